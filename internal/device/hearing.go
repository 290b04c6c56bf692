package device

import (
	"net/netip"
	"slices"
	"time"

	"tandem/internal/instant"
	"tandem/internal/proof"
)

// hearing is whether an interface hears the hosts that it asks. Those who show that it does
// not are its own records, and the hosts of which the peer tells.
type hearing struct {
	proof.Hearing
	lookAt instant.Time // when it is judged next, Never while no answer is awaited
	by     instant.Time // until when hosts answer
	peers  []netip.Addr // hosts that the peer has heard since the first query that nobody has answered, as many as are of interest
}

// beforeEnd is how long before the end of the time to answer the listeners are looked at: their
// records may end with it.
const beforeEnd = 500 * time.Millisecond

// ask notes a general query.
func (h *hearing) ask(now instant.Time, response time.Duration) {
	if !h.Since().IsSet() {
		h.peers = h.peers[:0]
	}
	h.by = now.Add(response)
	h.Asked(now, h.by, 0)
	h.lookAt = h.by.Add(-min(beforeEnd, response/2))
}

// hear notes a message of a host.
func (h *hearing) hear() {
	h.Heard()
	h.lookAt = instant.Never
}

// told notes a host that the peer has heard.
func (h *hearing) told(host netip.Addr) {
	if h.Since().IsSet() && len(h.peers) < proof.SpreadHosts && !slices.Contains(h.peers, host) {
		h.peers = append(h.peers, host)
	}
}

// lookAtHearing judges when it is due. A device that does not ask any more waits for no answer, but what
// was found stays until somebody is heard.
func (i *downstream) lookAtHearing(now instant.Time, shared bool) {
	h := &i.hearing
	switch {
	case !i.link.Up, h.Deaf() == proof.NoWitness && !i.router.IsQuerier():
		h.hear()
		return
	case !h.lookAt.IsDue(now):
		return
	}
	h.lookAt = instant.Never
	if now < h.by {
		h.lookAt = h.by
	}
	l := proof.Listeners{Peer: len(h.peers), Spread: shared}
	for range i.router.Own() {
		l.Own++
		break // one is as good as many
	}
	h.Look(now, i.cfg.MLD.Robustness, l)
}
