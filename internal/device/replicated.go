package device

import (
	"tandem/internal/instant"
	"tandem/internal/rbs"
)

// Replicated holds the outcomes of the connection of a remote backup service. A device
// derives them from the received bytes. A recording does not hold the bytes of all
// connections from their beginning, so a device that replays one gets the outcomes
// instead.
type Replicated struct {
	Service  string
	Outcomes []Outcome
}

func (Replicated) event() {}

// OutcomeKind is the kind of an Outcome.
type OutcomeKind uint8

// Kinds of outcomes.
const (
	RecordMerged    OutcomeKind = iota // the peer has sent this record, and it was merged
	RecordAcked                        // the peer has acknowledged the record; only key and version are set
	ChannelIsUp                        // a connection has been established
	ChannelInSync                      // the two databases have been synchronised
	ChannelLost                        // the databases may differ from now on
	ClockMoved                         // the clock was moved to the peer's reading, which is Record.Version, and the versions of all records with it
	StreamsBegin                       // earlier reports of the peer about streams no longer count
	StreamTold                         // the peer has reported a stream
	StreamsComplete                    // the peer has reported all streams
	StreamsNotTold                     // the peer's release does not report streams
)

// Outcome is one outcome in a Replicated.
type Outcome struct {
	Kind   OutcomeKind
	Record rbs.Record
	By     rbs.Stamp // by how much ClockMoved moved the clock
	// Arrival is the peer's report, for StreamTold.
	Arrival rbs.Arrival
}

// replay repeats the outcomes of a connection.
func (rp *replication) replay(now instant.Time, ev Replicated) {
	s := rp.get(ev.Service)
	if s == nil {
		return
	}
	for _, o := range ev.Outcomes {
		if o.Kind != RecordMerged {
			s.EndMerge(now)
		}
		switch o.Kind {
		case RecordMerged:
			rp.clock.Observe(now, o.Record.Version.Clock)
			s.Merge(now, &o.Record)
		case ClockMoved:
			rp.clock.Observe(now, o.Record.Version.Clock)
			s.restamp(o.Record.Version, o.By)
		case RecordAcked:
			s.Acked(now, o.Record.Key, o.Record.Version)
		case StreamsBegin:
			streamSharing{s}.PeerBegins(now)
		case StreamTold:
			streamSharing{s}.PeerTells(now, &o.Arrival)
		case StreamsComplete:
			streamSharing{s}.PeerComplete(now)
		case StreamsNotTold:
			streamSharing{s}.PeerCannotTell(now)
		case ChannelIsUp:
			s.UpAt = now
		case ChannelInSync, ChannelLost:
			rp.setInSync(now, s, o.Kind == ChannelInSync)
		}
	}
	s.EndMerge(now)
}
