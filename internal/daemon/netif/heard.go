package netif

import (
	"time"

	"tandem/internal/linux/links"
)

// A leg on which no packet has come in yet is checked every hearInterval for hearFor
// after the last change of a link. After that it is checked together with all links.
const (
	hearInterval = 50 * time.Millisecond
	hearFor      = 10 * time.Second
)

// hearing finds out on which legs a packet has come in since the leg got carrier. A
// switch port may have carrier for seconds before it forwards.
type hearing struct {
	lookAt time.Time // zero if no leg waits for a first packet
	until  time.Time
}

// begin starts the checks, until a packet has come in on each leg.
func (h *hearing) begin(now time.Time) { h.lookAt, h.until = now.Add(hearInterval), now.Add(hearFor) }

// look checks the legs and returns those on which a first packet has come in.
func (h *hearing) look(now time.Time, netlink *links.Handle, known *Links, legs []string, s *State) (changed []links.Link, err error) {
	h.lookAt = time.Time{}
	counted, err := netlink.Counters()
	if err != nil {
		return nil, err
	}
	for _, leg := range legs {
		link, is := known.Get(leg), s.trunk(leg)
		if was := is.Heard; is.hear(link.Up, counted[leg].In.Packets) != was {
			changed = append(changed, link)
		}
		if link.Up && !is.Heard && now.Before(h.until) {
			h.lookAt = now.Add(hearInterval)
		}
	}
	return changed, nil
}

// hear updates how many packets a trunk has received, and reports whether this shows a
// first packet since it got carrier.
func (t *Trunk) hear(up bool, received uint64) bool {
	if !up || received < t.Received { // the interface was made again, so its counter began at 0
		t.Received = received
	}
	t.Heard = up && (t.Heard || received > t.Received)
	return t.Heard
}
