package device

import "tandem/internal/instant"

// A stage is a part of the device that follows from other parts. When one of those changes,
// the stage is due, and is worked out anew before the event ends.
type stage uint8

// The stages, in the order in which they are done. See settle.
const (
	stageDuty       stage = iota // readiness and duty of each member, its leg, what hellos announce
	stageGate                    // what the gate lets pass
	stageRecords                 // detours, retention, queriers: what goes through many records
	stageAnnounce                // queries and reports after the devices have found each other
	stageChannels                // what the replication sends
	stageRoutes                  // routes have changed, and exceptions may follow
	stageExceptions              // streams that this device sends in the peer's stead
	stages
)

// agenda holds when each stage is due next, Never for a stage that is not.
type agenda [stages]instant.Time

// add makes a stage due at a moment, or before that where it is due already.
func (a *agenda) add(s stage, at instant.Time) { a[s] = instant.Earliest(a[s], at) }

// take returns the first stage that is due, and strikes it off. The stages of held are left out.
func (a *agenda) take(now instant.Time, held func(stage) bool) (stage, bool) {
	for s := range stages {
		if a[s].IsDue(now) && !held(s) {
			a[s] = instant.Never
			return s, true
		}
	}
	return 0, false
}

// deadline returns when the first stage is due, Never when none is.
func (a *agenda) deadline() instant.Time { return instant.Earliest(a[:]...) }
