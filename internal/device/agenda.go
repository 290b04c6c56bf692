package device

import "tandem/internal/instant"

// A stage is one step of settling: a part of the device's state that is computed from
// other parts. When one of those parts changes, the stage is due, and is done again
// before the event ends.
type stage uint8

// The stages, in the order in which settle does them.
const (
	stageDuty       stage = iota // readiness and duty of each member, its leg, and what hellos announce
	stageGate                    // what the gate lets pass
	stageRecords                 // detours, retention and querier duties: steps that go through many records
	stageAnnounce                // queries and reports after the devices have found each other
	stageChannels                // what the replication channels send
	stageRoutes                  // consequences of changed routes for the exceptions
	stageExceptions              // streams that this device sends in the peer's stead
	stages
)

// agenda holds when each stage is due next, Never for a stage that is not due.
type agenda [stages]instant.Time

// add makes a stage due at an instant, unless it is due earlier already.
func (a *agenda) add(s stage, at instant.Time) { a[s] = instant.Earliest(a[s], at) }

// take returns the first stage that is due and for which held is false, and marks it as
// done.
func (a *agenda) take(now instant.Time, held func(stage) bool) (stage, bool) {
	for s := range stages {
		if a[s].IsDue(now) && !held(s) {
			a[s] = instant.Never
			return s, true
		}
	}
	return 0, false
}

// deadline returns when the next stage is due, Never if none is.
func (a *agenda) deadline() instant.Time { return instant.Earliest(a[:]...) }
