package sim

import (
	"fmt"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/instant"
)

func (v *watch) checkSenders(vlan, i, senders int) error {
	v.measureTwice(&v.both[vlan][i], senders)
	since := &v.doubled[vlan][i]
	switch {
	case senders < 2 || !v.w.healthy() && !(v.w.heard && v.w.bothOpen(vlan, i)):
		*since = instant.Never
	case !since.IsSet():
		*since = v.w.now
	case v.w.now.Sub(*since) > maxDouble:
		return fmt.Errorf("both devices have been sending %s on %s for %v (limit %v)", v.w.streams[i].group, legName(vlan), v.w.now.Sub(*since), maxDouble)
	}
	return nil
}

// measureTwice records how long both devices have been sending a stream.
func (v *watch) measureTwice(since *instant.Time, senders int) {
	switch {
	case since.IsSet():
		v.Twice = max(v.Twice, v.w.now.Sub(*since))
	case senders == 2:
		*since = v.w.now
	}
	if senders < 2 {
		*since = instant.Never
	}
}

// bothOpen reports whether the gates of both devices let a stream pass, apart from exceptions.
func (w *World) bothOpen(vlan, i int) bool {
	for _, n := range w.nodes {
		if n.open(vlan)&(1<<w.streams[i].bucket) == 0 {
			return false
		}
	}
	return true
}

// checkPermission checks that the gate of each device matches its duty, and that a Backup sends
// nothing.
func (v *watch) checkPermission() error {
	for _, n := range v.w.nodes {
		if !n.alive() {
			continue
		}
		duty := n.duty()
		for vlan := range vlans {
			if !n.hasVLAN(vlan) {
				continue
			}
			if n.open(vlan) != duty.Covers {
				return fmt.Errorf("%s lets pass %v on %s, its duty covers %v", n.name, n.open(vlan), legName(vlan), duty.Covers)
			}
		}
		if n.heldBack > 0 && duty.Kind != device.DutyNone {
			return fmt.Errorf("%s is held back, its duty is %v", n.name, duty.Kind)
		}
	}
	return nil
}

// servable reports whether at least one device has everything it needs to serve.
func (w *World) servable() bool { return w.nodes[0].able() || w.nodes[1].able() }

// healthy reports whether everything has worked for a while.
func (w *World) healthy() bool {
	if !w.settled || !w.healedAt.IsSet() || w.now < w.healedAt.Add(healing) {
		return false
	}
	for _, n := range w.nodes {
		if !n.able() || !n.legUp() && n.memberMode() != etrunk.Auto {
			return false
		}
	}
	return true
}
