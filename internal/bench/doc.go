// Package bench measures the figures that Tandem must reach, F1 to F12, on the machine on
// which it runs. It uses real daemons in network namespaces, veth cables, real sockets and
// the kernel's own forwarding cache and gate. For most figures it also measures, in the
// same run, the limit that the kernel sets.
//
// It is a program and not a test: on a slow or busy machine a figure gets worse, but
// nothing fails.
//
// The network is the smallest that has every part of a pair: devices a and b, a cable
// between them, and a generator. The generator acts as hosts and sources. It has one cable
// to the leg and one to the upstream interface of each device. It writes frames directly
// into its cables, so its own cost is small and the same in every run.
package bench
