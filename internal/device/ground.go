package device

import (
	"maps"
	"math/rand/v2"

	"tandem/internal/etrunk"
	"tandem/internal/event"
	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/proof"
	"tandem/internal/rbs"
)

// ground holds what all owners of a device share: its identity, its settings, the state
// of links and BFD sessions, the agenda, and the effects of the present event.
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

// Kept is the state of a device outside its owners that outlives an event.
type Kept struct {
	Started  instant.Time
	Sessions map[string]etrunk.BFDState // by the name of the BFD session
	Retiring bool
	Upstream proof.Standing // whether the upstream interface can do its work

	// Reasons for an announcement, see announce.
	Found       bool // a lost peer has been found again since AnnouncedAt
	Strangers   bool // hosts that only the peer knew may have moved to this device
	AnnouncedAt instant.Time

	Counters Counters
}

// Counters counts inputs that no core counts.
type Counters struct {
	MLDElsewhere    uint64 // MLD messages on an interface that is not configured for MLD
	MLDMalformed    uint64
	StreamElsewhere uint64 // upcalls from an interface that is not upstream
	StreamsSilent   uint64 // entries dropped because no packet came for KeepAlive
	HelloUnknown    uint64 // E-Trunk packets that no E-Trunk of this device accepts
}

// clone returns a copy that shares no memory with k.
func (k Kept) clone() Kept {
	sessions := make(map[string]etrunk.BFDState, len(k.Sessions))
	maps.Copy(sessions, k.Sessions)
	k.Sessions = sessions
	return k
}

// random returns a random source for a purpose. It differs from boot to boot.
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

// before reports whether at is still in the future. If so, the duty is computed again at
// that instant.
func (g *ground) before(now, at instant.Time) bool {
	if now < at {
		g.agenda.add(stageDuty, at)
		return true
	}
	return false
}
