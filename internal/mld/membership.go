package mld

import (
	"net/netip"

	"tandem/internal/instant"
)

// membership is one group that the proxy has joined or is leaving. There may be a hundred
// thousand memberships. Few of them have anything to report at a time, so that part is
// allocated apart.
type membership struct {
	addr netip.Addr
	list uint32 // id of the sources of the wanted filter
	mode FilterMode
	// announced says that the proxy has sent a report in which the group is wanted.
	announced bool
	unsent    bool
	pending   *pendingReport // nil if there is nothing to report
}

// StateChange is what is still to be reported of a group: a pending state change (section
// 6.1) and an answer to a query (section 6.2).
type StateChange struct {
	// Mode is how many times the change of the filter mode is still to be sent.
	Mode    int
	Sources []SourceChange // changes of the source list, sorted by source
	Repeat  instant.Time   // when the changes are sent again; Never if they are not

	Answer instant.Time // when the answer to a specific query is due; Never if there is no such query
	Asked  []netip.Addr // the sources that the query asked about, sorted; empty for a group specific query
}

// SourceChange is the pending state change of one source.
type SourceChange struct {
	Source netip.Addr
	Left   int // how many times it is still to be sent
}

// pendingReport is a StateChange with inline memory for one source, because most changes
// have only one.
type pendingReport struct {
	StateChange
	first [1]SourceChange
}

// ensurePending returns the pending report of a group. It makes one if there is none.
func (m *membership) ensurePending() *pendingReport {
	if m.pending == nil {
		m.pending = &pendingReport{}
	}
	return m.pending
}

// hasAlarm reports whether a repetition or an answer is scheduled.
func (t *pendingReport) hasAlarm() bool { return t.Repeat.IsSet() || t.Answer.IsSet() }

// changing reports whether a state change is still to be sent.
func (m *membership) changing() bool {
	return m.pending != nil && (m.pending.Mode > 0 || len(m.pending.Sources) > 0)
}

func (m *membership) wanted() bool { return m.mode == Exclude || m.list != 0 }
