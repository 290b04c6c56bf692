package netif

import (
	"slices"
	"time"

	"tandem/internal/linux/links"
)

// lacpInterval is how often a leg that is joining the switch's aggregate, or leaving
// it, is looked at, and for lacpSettling, in which both sides have sent a LACPDU, at least.
const (
	lacpInterval = 20 * time.Millisecond
	lacpSettling = time.Second
)

// lacpWatch finds out which legs the switch has in its aggregate. The kernel does not
// tell, so they are looked at again and again until LACP has come to rest.
type lacpWatch struct {
	// lookAt is when they are looked at next, zero when they are at rest.
	lookAt time.Time
	// settles is when LACP has come to rest since a leg was steered: what a bond that
	// comes up says at first may be from before.
	settles time.Time
}

// begin has the legs looked at from now on until they are at rest.
func (w *lacpWatch) begin(now time.Time) {
	w.lookAt, w.settles = now.Add(lacpInterval), now.Add(lacpSettling)
}

// look looks at the legs and returns those of which something new is known.
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

// aggregation reports whether LACP has a leg in no aggregate with the switch, and the
// operational LACP key.
func aggregation(netlink *links.Handle, leg links.Link) (apart bool, key uint16) {
	if !speaksLACP(leg) {
		return false, 0
	}
	bond, err := netlink.Bond(leg.Name)
	taken := func(p links.Port) bool { return p.Carrier && p.Actor.Forwarding() && p.Partner.Forwarding() }
	return err == nil && !slices.ContainsFunc(bond.Ports, taken), bond.ActorKey
}
