package proof

import "tandem/internal/instant"

// Listeners counts the hosts that listen behind an interface, as far as the devices know.
type Listeners struct {
	// Own is the number of hosts whose latest report this device itself has received.
	Own int
	// Peer is the number of hosts whose MLD reports the peer has received since
	// [Hearing.Since].
	Peer int
	// Spread means that the reports of each host arrive at only one of the two devices: a
	// switch that has both legs in one aggregate chooses the leg by the host's address.
	// Otherwise the reports arrive at both devices.
	Spread bool
}

// SpreadHosts is the number of hosts with which a switch that chooses a leg for each host
// has certainly used both legs. The probability that it chose the same leg for all of them
// is about 1 in 65,536.
const SpreadHosts = 16

// Witness is the kind of evidence that a device is deaf: it does not receive the MLD
// messages of the hosts.
type Witness uint8

func (w Witness) String() string {
	return [...]string{"", "hosts that were heard answer no more", "the peer hears hosts, and this device none"}[w]
}

// Witnesses.
const (
	NoWitness     Witness = iota // the device is not deaf, or there is no evidence for it
	FormerHosts                  // hosts whose reports had come here no longer answer, and their answers do not reach the peer either
	PeerListeners                // the peer receives the answers of hosts, and some of them should arrive here, too
)

// Hearing decides whether a querier receives the answers of the hosts. A querier is deaf if
// two things hold. First, none of its latest general queries was answered; their number is
// the Robustness Variable (RFC 9777 section 9.1). Second, a witness shows that there are
// hosts. Then something on this device, or on the way to it, drops MLD. Any answer ends the
// verdict. The zero Hearing is an interface on which no query was sent.
type Hearing struct {
	asked    int          // number of general queries without an answer, in a row
	since    instant.Time // when the first of them was sent
	answerBy instant.Time // when the response time of the last one ends
	own      int          // Listeners.Own when Look was last called before since
	witness  Witness
}

// Asked records a general query of this device, and the instant until which hosts may
// answer. It must be called for each general query. own is the present [Listeners.Own].
func (h *Hearing) Asked(now, answerBy instant.Time, own int) {
	if h.asked == 0 {
		h.since = now
	}
	h.asked++
	h.answerBy = answerBy
	h.own = own
}

// Heard records that any message of a host has come. It reports whether the device was
// deaf until now.
func (h *Hearing) Heard() (changed bool) {
	changed = h.witness != NoWitness
	*h = Hearing{}
	return changed
}

// Rest discards everything, because the device is no longer the querier or the interface
// is down. It reports whether the device was deaf.
func (h *Hearing) Rest() (changed bool) { return h.Heard() }

// Since returns when the first query without an answer was sent, Never if there is none.
func (h *Hearing) Since() instant.Time { return h.since }

// Deaf returns the witness that the device is deaf. The verdict stays until a message of
// a host comes. It does not depend on the hosts' records, because these expire while no
// report refreshes them.
func (h *Hearing) Deaf() Witness { return h.witness }

// Look judges by the present listeners. It reports whether the device has now become
// deaf. It must be called at least once between each query and the end of its response
// time. After that, the records of hosts that answered earlier queries expire and can no
// longer show that there are hosts.
func (h *Hearing) Look(now instant.Time, robustness int, l Listeners) (changed bool) {
	if h.asked == 0 || h.witness != NoWitness {
		return false
	}
	if !h.answerBy.IsDue(now) {
		h.own = l.Own
		return false
	}
	if h.asked < robustness {
		return false
	}
	enough := 1
	if l.Spread {
		enough = SpreadHosts
	}
	switch {
	case h.own > 0:
		h.witness = FormerHosts
	case l.Peer >= enough:
		h.witness = PeerListeners
	}
	return h.witness != NoWitness
}
