package device

import (
	"net/netip"
	"slices"
	"time"

	"tandem/internal/instant"
	"tandem/internal/proof"
)

// hearing judges whether the answers of the hosts arrive on an interface. Evidence that
// there are hosts comes from the interface's own records and from the peer's.
type hearing struct {
	proof.Hearing
	lookAt instant.Time // when the next judgement is due, Never while no answer is awaited
	by     instant.Time // until when hosts may answer the last query
	peers  []netip.Addr // hosts whose reports have reached the peer since the first unanswered query, at most as many as the judgement needs
}

// beforeEnd is how long before the end of the response time the listeners are counted,
// because their records may expire at that end.
const beforeEnd = 500 * time.Millisecond

// ask records a general query of this device.
func (h *hearing) ask(now instant.Time, response time.Duration) {
	if !h.Since().IsSet() {
		h.peers = h.peers[:0]
	}
	h.by = now.Add(response)
	h.Asked(now, h.by, 0)
	h.lookAt = h.by.Add(-min(beforeEnd, response/2))
}

// hear records a message of a host.
func (h *hearing) hear() {
	h.Heard()
	h.lookAt = instant.Never
}

// told records a host whose report has reached the peer.
func (h *hearing) told(host netip.Addr) {
	if h.Since().IsSet() && len(h.peers) < proof.SpreadHosts && !slices.Contains(h.peers, host) {
		h.peers = append(h.peers, host)
	}
}

// lookAtHearing makes the judgement when it is due. A device that is no longer the
// querier waits for no answer, but a verdict that it is deaf stays until a message of a
// host comes.
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
		break // one listener is enough
	}
	h.Look(now, i.cfg.MLD.Robustness, l)
}

// deafSince returns when the first of the queries was sent that no host has answered,
// Never if the interface is not deaf.
func (h *hearing) deafSince() instant.Time {
	if h.Deaf() == proof.NoWitness {
		return instant.Never
	}
	return h.Since()
}
