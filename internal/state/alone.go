package state

import (
	"fmt"
	"slices"
	"time"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/rbs"
)

// Alone lists what keeps the device from serving all listeners without its peer. It is empty,
// and not nil, if nothing does. Both devices show the same words.
func (d *Device) Alone() []Objection {
	list := []Objection{}
	add := func(object, reason string, lasted time.Duration) {
		list = append(list, d.objection(object, reason, lasted))
	}
	d.heard(add, "the other device is not heard: who listens to it is not known")
	for i := range d.ETrunks {
		for _, m := range d.ETrunks[i].Members {
			switch {
			case !m.Ready:
				add(ethTrunk(m.ID), "not ready: "+m.NotReady, m.ReadyFor)
			case m.Mode == etrunk.ForceBackup:
				add(ethTrunk(m.ID), "forced to be Backup: it never takes over", 0)
			}
		}
	}
	switch u := d.Upstream; {
	case u == nil:
		add("upstream", "no interface is upstream", 0)
	case !u.Up:
		add(u.Name, "the upstream interface is down", u.For)
	case !u.Able:
		add(u.Name, u.Lacks, u.For)
	}
	for _, i := range d.Downstream {
		if i.Profile == "" {
			continue
		}
		switch {
		case !i.Up && d.legUp(i.Profile):
			add(i.Name, "it is down although the Eth-Trunk is up", i.For)
		case i.Up && !i.Able:
			add(i.Name, i.Lacks, i.For)
		case i.Deaf:
			add(i.Name, "no host is heard on it, although hosts are there", i.DeafFor)
		}
	}
	switch {
	case !d.Gate.Installed:
		add("gate", "multicast routing is not enabled", 0)
	case d.Gate.Stale:
		add("gate", "the kernel refuses to set it", 0)
	}
	for i := range d.Services {
		s := &d.Services[i]
		replicated(s, add)
		switch t := &s.Streams; {
		case !t.Watched:
			add(service(s), "which streams arrive is not measured", 0)
		case s.InSync && !t.Compared:
			add(service(s), "the other device does not tell which streams arrive there", 0)
		}
		faults(s.Streams.Lacks, s.Streams.Lacking, add)
	}
	return list
}

// legUp reports whether the Eth-Trunk of a remote backup profile is up. That of a Backup may be
// down, with all interfaces on it.
func (d *Device) legUp(profile string) bool {
	at := slices.IndexFunc(d.Profiles, func(p Profile) bool { return p.Name == profile })
	if at < 0 {
		return false
	}
	m := d.member(device.Member{ETrunk: d.Profiles[at].ETrunk, EthTrunk: d.Profiles[at].EthTrunk})
	return m != nil && m.Up
}

// PeerAlone lists what this device sees that keeps the peer from serving all listeners alone.
func (d *Device) PeerAlone() []Objection {
	list := []Objection{}
	add := func(object, reason string, lasted time.Duration) {
		list = append(list, d.objection(object, reason, lasted))
	}
	d.heard(add, "the peer is not heard")
	for i := range d.ETrunks {
		for _, m := range d.ETrunks[i].Members {
			switch {
			case !d.ETrunks[i].PeerAlive: // that is told already
			case m.PeerReady == nil:
				add(ethTrunk(m.ID), "the device that stays does not tell of it", m.PeerReadyFor)
			case !*m.PeerReady:
				add(ethTrunk(m.ID), "not ready on the device that stays: "+*m.PeerLack, m.PeerReadyFor)
			}
		}
	}
	for i := range d.Services {
		s := &d.Services[i]
		replicated(s, add)
		if s.Lag > lagLimit {
			add(service(s), fmt.Sprintf("%d listener records are not acknowledged by the device that stays", s.LagRecords), s.Lag)
		}
		faults(s.Streams.Stands, s.Streams.StandsIn, add)
	}
	return list
}

// lagLimit is how long the peer may take to acknowledge a listener. It is the time after which
// a device sends for the listener in the peer's stead.
const lagLimit = 200 * time.Millisecond

type adder func(object, reason string, lasted time.Duration)

// heard lists what concerns the hellos and BFD, without which the loss of a device is missed or
// noticed late.
func (d *Device) heard(add adder, lost string) {
	members := 0
	for i := range d.ETrunks {
		t := &d.ETrunks[i]
		if members += len(t.Members); len(t.Members) == 0 {
			continue
		}
		if !t.PeerAlive {
			add(fmt.Sprintf("E-Trunk %d", t.ID), lost, t.silentFor())
			continue
		}
		if len(t.Paths) > 0 && !t.Paths[0].Up {
			p := &t.Paths[0]
			add(fmt.Sprintf("path %v to %v", p.Local, p.Peer), "nothing is heard by the primary path", p.For)
		}
		if t.BFDSession != "" && t.BFD != etrunk.BFDUp {
			add("BFD session "+t.BFDSession, fmt.Sprintf("it is %s: a device that fails is missed late", t.BFD), t.BFDFor)
		}
	}
	if members == 0 {
		add("E-Trunk", "none has a member: nothing is shared", 0)
	}
}

// silentFor returns how long ago the last path fell silent.
func (t *ETrunk) silentFor() (d time.Duration) {
	for i, p := range t.Paths {
		if i == 0 || p.For < d {
			d = p.For
		}
	}
	return d
}

// replicated lists what keeps the listeners from being the same on both devices.
func replicated(s *Service, add adder) {
	switch {
	case s.TCP != rbs.Connected:
		add(service(s), "not connected: listeners are not replicated", s.Since)
	case !s.InSync:
		add(service(s), "the listeners are still being synchronised", s.Since)
	case s.Diverged:
		add(service(s), "the devices know different listeners", 0)
	}
}

func service(s *Service) string { return "service " + s.Name }

// faults lists streams that are lacking, and says how many more there are.
func faults(first []StreamFault, all int, add adder) {
	const reason = "it arrives only at the device to be reloaded, which sends it"
	for _, f := range first {
		add(string(f.Stream), reason, f.For)
	}
	if more := all - len(first); more > 0 {
		add(fmt.Sprintf("%d more streams", more), reason, 0)
	}
}
