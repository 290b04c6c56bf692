package netif

import (
	"slices"
	"time"

	"tandem/internal/linux/links"
)

// A leg that is joining the switch's aggregate or leaving it is checked every
// lacpInterval. The checks last at least for lacpSettling, in which both sides have sent
// a LACPDU.
const (
	lacpInterval = 20 * time.Millisecond
	lacpSettling = time.Second
)

// lacpWatch finds out which legs the switch has in its aggregate. The kernel does not
// report this, so lacpWatch checks the legs repeatedly until LACP has settled.
type lacpWatch struct {
	// lookAt is when the legs are checked next, zero when LACP has settled.
	lookAt time.Time
	// settles is when LACP has settled after a leg was steered. Before that, the state of
	// a bond that comes up may be an old one.
	settles time.Time
}

// begin starts the checks, until LACP has settled.
func (w *lacpWatch) begin(now time.Time) {
	w.lookAt, w.settles = now.Add(lacpInterval), now.Add(lacpSettling)
}

// look checks the legs and returns those whose LACP state has changed.
func (w *lacpWatch) look(now time.Time, netlink *links.Handle, known *Links, legs []string, s *State) (changed []links.Link) {
	w.lookAt = time.Time{}
	for _, leg := range legs {
		link, is := known.Get(leg), s.trunk(leg)
		apart, key := aggregation(netlink, link)
		if link.Up && (apart != is.Asked.Aside || now.Before(w.settles)) {
			w.lookAt = now.Add(lacpInterval)
		}
		if apart != is.Apart || key != is.Key {
			is.Apart, is.Key = apart, key
			if link.Exists {
				changed = append(changed, link)
			}
		}
	}
	return changed
}

// aggregation returns the LACP state of a leg: apart says that no port of the leg is in
// an aggregate with the switch, key is the operational LACP key.
func aggregation(netlink *links.Handle, leg links.Link) (apart bool, key uint16) {
	if !speaksLACP(leg) {
		return false, 0
	}
	bond, err := netlink.Bond(leg.Name)
	taken := func(p links.Port) bool { return p.Carrier && p.Actor.Forwarding() && p.Partner.Forwarding() }
	return err == nil && !slices.ContainsFunc(bond.Ports, taken), bond.ActorKey
}
