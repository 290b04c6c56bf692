package device

import (
	"maps"
	"math/rand/v2"

	"tandem/internal/etrunk"
	"tandem/internal/event"
	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/rbs"
)

// ground is what all parts of a device share: its identity, its settings, the state of
// links and BFD sessions, the agenda, and the effects that are being collected.
type ground struct {
	id       uint64
	boot     uint64
	clock    *rbs.Clock
	settings Settings
	kept     Kept
	links    map[string]LinkChanged // by Linux name
	agenda   agenda
	fx       *Effects
}

// Kept is what a device knows beside its parts.
type Kept struct {
	Started  instant.Time
	Sessions map[string]etrunk.BFDState // by the name of the BFD session
	Retiring bool

	// What is to be announced, see announce.
	Found       bool // a peer that had been lost, since AnnouncedAt
	Strangers   bool // hosts may have come over that only the peer knew
	AnnouncedAt instant.Time

	Counters Counters
}

// Counters count what belongs to no core.
type Counters struct {
	MLDElsewhere    uint64 // MLD on an interface without it
	MLDMalformed    uint64
	StreamElsewhere uint64 // upcall from an interface that is not upstream
	StreamsSilent   uint64 // entries dropped as no packet came
	HelloUnknown    uint64 // E-Trunk packet that no E-Trunk here takes
}

// clone returns a copy that shares no memory with k.
func (k Kept) clone() Kept {
	sessions := make(map[string]etrunk.BFDState, len(k.Sessions))
	maps.Copy(sessions, k.Sessions)
	k.Sessions = sessions
	return k
}

// random returns a source that differs from boot to boot.
func (g *ground) random(purpose uint64) *rand.PCG { return rand.NewPCG(g.boot, g.id^purpose) }

// tell adds an event for the log.
func (g *ground) tell(e event.Event) { g.fx.Events = append(g.fx.Events, e) }

// version returns the version of a change that this device makes now.
func (g *ground) version(now instant.Time) mld.Version {
	return mld.Version{Clock: uint64(g.clock.Now(now)), Device: g.id}
}

// bfdState returns the state of a BFD session. An empty name stands for no session.
func (g *ground) bfdState(session string) etrunk.BFDState {
	if session == "" {
		return etrunk.BFDUnbound
	}
	if state, ok := g.kept.Sessions[session]; ok {
		return state
	}
	return etrunk.BFDPending
}

// before reports whether a moment is yet to come. If so, the duty is worked out anew then.
func (g *ground) before(now, at instant.Time) bool {
	if now < at {
		g.agenda.add(stageDuty, at)
		return true
	}
	return false
}
