// Package vm runs programs on another kernel, in a virtual machine with software emulation.
// It is for features that the kernel of this machine may lack (bonding, VLAN devices, VRF,
// netem).
//
// The machine is qemu with Debian's cloud kernel, taken from its package without installing
// it. Its initramfs is made here of static programs and the kernel modules that they need.
// One of the programs is the guest's first process and calls [GuestMain]. It loads the
// modules, runs the other programs one by one, and sends their output over the second
// serial line. The guest mounts nothing from the host and has no network connection to it.
//
// The processor's hardware virtualisation is never used, so the machine also works inside
// containers and virtual machines. A guest is about ten times slower than its host. Times
// measured in the guest are by the guest's clock.
package vm
