// Package lab builds the whole system on one machine: two devices that run real
// daemons, the switch and the hosts below them, the source above, and the path
// between the devices, each in a network namespace of its own.
//
//	          tandem-src     source, bridge with MLD snooping and querier
//	          |        |
//	        up0        up0
//	    tandem-a      tandem-b    tandemd on both
//	     | core0 ------ core0 |   through tandem-core, where it can be cut
//	eth-trunk10      eth-trunk10
//	        |          |
//	          tandem-ce      switch: one LAG, a leg to each device
//	          |   ...  |
//	     tandem-h1 ... tandem-h8
//
// With -lacp the switch and the devices have bonds that speak LACP, and the
// daemons make theirs. A kernel without bonding borrows another: the lab runs
// whole in an emulated machine (package vm), whose slowness it measures and
// widens its limits by.
//
// The daemons get nothing but the operator's procedure (device-a.cfg and
// device-b.cfg). Hosts join with ordinary socket options, so it is the kernel
// that speaks MLD, and what they miss is counted at their sockets with the
// kernel's receive timestamps.
package lab
