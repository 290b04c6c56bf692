// Package vm runs programs of ours on another kernel: a virtual machine in
// software emulation, for what the kernel of this machine may lack (bonding,
// VLAN devices, VRF, netem).
//
// The machine is qemu with Debian's cloud kernel, taken from its package
// without installing it, and an initramfs made here of static programs and the
// kernel modules they need. One of the programs is the guest's first process
// and calls [GuestMain]: it loads the modules, runs the others one by one and
// sends what they print over the second serial line. Nothing is mounted from
// the host and the guest has no network to it.
//
// The processor's own virtualisation is never used, so that it works in
// containers and virtual machines as well; a guest is some ten times slower
// than its host, and times measured inside are the guest's.
package vm
