package sim

import (
	"fmt"
	"slices"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/mld"
)

// receives reports whether the upstream network delivers a stream to this device.
func (n *node) receives(s stream) bool {
	f, ok := n.joined[s.group]
	if !n.upCable() || !ok || !n.brings(s.index) {
		return false
	}
	return (f.Mode == mld.Exclude) != slices.Contains(f.Sources, s.source)
}

// sends returns the VLANs of its leg to which the kernel of this device forwards a stream.
func (n *node) sends(s stream) (to uint8) {
	if !n.alive() || !n.forwards() || n.legOffs > 0 || !n.receives(s) {
		return 0
	}
	sg := s.key()
	route, excepted := n.routes[sg], slices.Contains(n.gate.Exceptions, sg)
	for vlan := range vlans {
		if slices.Contains(route, legName(vlan)) && (excepted || n.open(vlan)&(1<<s.bucket) != 0) {
			to |= 1 << vlan
		}
	}
	return to
}

// whyNot says why a device does not send a stream.
func (n *node) whyNot(s stream, vlan int) string {
	switch {
	case !n.alive():
		return n.name + " is dead"
	case !n.forwards():
		return "the switch does not forward on the leg of " + n.name
	case n.legOffs > 0:
		return n.name + "'s leg has no IPv6"
	case !n.receives(s):
		return n.name + " does not receive it"
	case !slices.Contains(n.routes[s.key()], legName(vlan)):
		return n.name + " has no route"
	}
	return fmt.Sprintf("%s lets pass %v", n.name, n.open(vlan))
}

// open returns the buckets that the gate lets pass.
func (n *node) open(vlan int) etrunk.Buckets {
	switch name := legName(vlan); {
	case slices.Contains(n.gate.Closed, name):
		return etrunk.NoBuckets
	case slices.Contains(n.gate.Bucket0, name):
		return etrunk.Bucket0
	case slices.Contains(n.gate.Bucket1, name):
		return etrunk.Bucket1
	}
	return etrunk.AllBuckets
}

// duty returns the duty that the device computes for itself.
func (n *node) duty() device.Duty {
	_, duty := n.dev.Sends(member, n.w.streams[0].source, n.w.streams[0].group)
	return duty
}
