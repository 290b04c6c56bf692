// Package bench measures the figures that Tandem must reach, F1 to F12, on the
// machine that it runs on: real daemons in network namespaces, veth cables, real
// sockets and the kernel's own forwarding cache and gate. Beside most figures it
// measures, in the same run, what the kernel alone allows.
//
// It is a program and not a test: a slow or shared machine makes a figure worse
// and fails nothing.
//
// The network is the smallest that has every part of a pair in it: devices a
// and b, a cable between them, and a generator that stands for hosts and
// sources, with a cable to the leg and one to the upstream interface of each
// device. The generator writes frames into its cables itself, so that what it
// costs is small and the same in every run.
package bench
