// Package lab builds the whole system on one machine: two devices with real daemons, the
// switch and the hosts downstream, the source upstream, and the path between the devices.
// Each is in a network namespace of its own.
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
// With -lacp the switch and the devices have bonds that speak LACP; each daemon makes its
// own bond. If this kernel has no bonding, the lab can run in an emulated machine
// (package vm). Then it measures how slow that machine is, and widens its limits
// accordingly.
//
// With -plain the switch has no LAG: the legs are two ports of a plain VLAN, so both devices
// hear every host, and each other (docs/plain-vlan.md).
//
// The daemons get only the operator's procedure (device-a.cfg and device-b.cfg). Hosts
// join with ordinary socket options, so that their kernels send the MLD messages. Lost
// packets are counted at their sockets with the kernel's receive timestamps.
package lab
