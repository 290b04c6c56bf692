package proof

import "tandem/internal/instant"

// Listeners are the hosts that listen behind an interface, as far as anybody knows.
type Listeners struct {
	// Own are those whose latest report this device has heard itself.
	Own int
	// Peer are those whose reports the peer has heard since [Hearing.Since].
	Peer int
	// Spread says that each host's reports come to one of the two devices: a switch that has
	// both legs in one aggregate chooses by the host's address. Otherwise they come to both.
	Spread bool
}

// SpreadHosts is how many hosts make it certain that a switch which chooses for each has chosen
// both legs: one in 65,536 times it would have chosen the same leg for all of them.
const SpreadHosts = 16

// Witness is who shows that a device does not hear.
type Witness uint8

func (w Witness) String() string {
	return [...]string{"", "hosts that were heard answer no more", "the peer hears hosts, and this device none"}[w]
}

// Witnesses.
const (
	NoWitness     Witness = iota // it hears, or nothing shows that it does not
	FormerHosts                  // hosts that it has heard answer no more, and the peer has not heard them either
	PeerListeners                // the peer hears the answers of hosts of which some should come here
)

// Hearing judges whether a querier hears the hosts that it asks. As long as anybody answers it does.
// Who asks, is not answered for as many general queries as are sent for a loss (the
// Robustness Variable, RFC 9777 section 9.1), and has a witness that hosts are there, is
// deaf: something on this device or on the way to it drops MLD. The zero Hearing is an interface
// where nobody was asked.
type Hearing struct {
	asked    int          // general queries that nobody has answered, in a row
	since    instant.Time // when the first of them was sent
	answerBy instant.Time // when the time to answer the last one ends
	own      int          // Listeners.Own when it had not ended yet
	witness  Witness
}

// Asked notes a general query of this device, which hosts answer by some instant. It must be
// told of each. Own is [Listeners.Own].
func (h *Hearing) Asked(now, answerBy instant.Time, own int) {
	if h.asked == 0 {
		h.since = now
	}
	h.asked++
	h.answerBy = answerBy
	h.own = own
}

// Heard notes any message of a host, and reports whether the device was deaf until now.
func (h *Hearing) Heard() (changed bool) {
	changed = h.witness != NoWitness
	*h = Hearing{}
	return changed
}

// Rest forgets everything: the device does not ask any more, or the interface is down. It
// reports whether the device was deaf.
func (h *Hearing) Rest() (changed bool) { return h.Heard() }

// Since is when the first query was sent that nobody has answered, Never when there is none.
func (h *Hearing) Since() instant.Time { return h.since }

// Deaf returns who shows that the device does not hear. Once shown it stays, until somebody is
// heard: the records of those who were there end, as nobody can refresh them.
func (h *Hearing) Deaf() Witness { return h.witness }

// Look judges by who listens now, and reports whether the device has turned out to be deaf.
// It must be called before the records of hosts end which have answered the query before the
// first unanswered one: once between a query and the end of the time to answer it.
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
