package netif

import (
	"time"

	"tandem/internal/linux/links"
)

// A leg of which nothing has been heard yet is looked at every hearInterval for hearFor after
// the last change of a link, then with all links.
const (
	hearInterval = 50 * time.Millisecond
	hearFor      = 10 * time.Second
)

// hearing finds out on which legs something has come in since their carrier came. A port of
// the switch may have carrier for seconds before it forwards.
type hearing struct {
	lookAt time.Time // zero when no leg waits for something to come in
	until  time.Time
}

// begin has the legs looked at from now on until something has been heard on each.
func (h *hearing) begin(now time.Time) { h.lookAt, h.until = now.Add(hearInterval), now.Add(hearFor) }

// look looks at the legs and returns those of which something new is known.
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

// hear takes note of how many packets a trunk has received, and reports whether some came
// while it had carrier.
func (t *Trunk) hear(up bool, received uint64) bool {
	if !up || received < t.Received { // the interface was made anew
		t.Received = received
	}
	t.Heard = up && (t.Heard || received > t.Received)
	return t.Heard
}
