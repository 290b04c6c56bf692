package device

import (
	"tandem/internal/instant"
	"tandem/internal/rbs"
)

// Replicated is what the connection of a remote backup service came to. A device makes
// it out of the bytes that it is given; one that replays a recording, which does not hold
// the bytes of all connections from their beginning, is given it instead.
type Replicated struct {
	Service  string
	Outcomes []Outcome
}

func (Replicated) event() {}

// OutcomeKind is what an Outcome is.
type OutcomeKind uint8

// Kinds of outcomes.
const (
	RecordMerged    OutcomeKind = iota // a record of the peer's
	RecordAcked                        // the peer knows the record, of which only key and version are set
	ChannelIsUp                        // a connection has been established
	ChannelInSync                      // the databases have been compared
	ChannelLost                        // they may differ from now on
	ClockMoved                         // to the reading of the peer that Record.Version is, and all records with it
	StreamsBegin                       // what the peer has told of streams no longer counts
	StreamTold                         // the peer tells of a stream
	StreamsComplete                    // it has told of all
	StreamsNotTold                     // it is of a release that does not tell
)

// Outcome is one step of Replicated.
type Outcome struct {
	Kind   OutcomeKind
	Record rbs.Record
	By     rbs.Stamp // how far ClockMoved moved it
	// Arrival is what was told, for StreamTold.
	Arrival rbs.Arrival
}

// replay does again what came of a connection.
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
