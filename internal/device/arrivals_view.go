package device

import (
	"fmt"
	"slices"
	"time"

	"tandem/internal/instant"
	"tandem/internal/proof"
)

// StreamsSnapshot says which streams arrive at this device and at the peer, of those that
// listeners behind the interfaces of a service want.
type StreamsSnapshot struct {
	Watched  bool // the forwarding plane reports which streams arrive here
	Compared bool // the peer has reported which streams arrive there
	proof.Counts
	LacksMost, PeerLacksMost bool
	// Lacks and Stands are the first ten streams that Counts.Lacking and Counts.StandsIn
	// count, sorted by group, then by source.
	Lacks, Stands []StreamFault
}

// StreamFault is a stream that arrives at one of the two devices only.
type StreamFault struct {
	SourceGroup
	Since instant.Time // when one device began to send the stream in the other's stead
}

// ArrivalSnapshot says at which of the two devices one stream arrives.
type ArrivalSnapshot struct {
	Watched, Compared bool          // whether this device, and the peer, have measured the arrival
	Here, Peer        bool          // whether the stream arrives at this device, and at the peer
	Lacks, Stands     bool          // Lacks: the peer sends the stream in this device's stead. Stands: this device sends it in the peer's stead
	For               time.Duration // how long Lacks or Stands has been true
}

// namedStreams limits how many streams a snapshot names.
const namedStreams = 10

// snapshot returns the snapshot of the streams of a service.
func (a *arrivals) snapshot(s *service) StreamsSnapshot {
	out := StreamsSnapshot{
		Watched: a.watched, Compared: s.arriving.Compared(), Counts: s.arriving.Counts(),
		LacksMost: s.arriving.LacksMost(), PeerLacksMost: s.arriving.PeerLacksMost(),
	}
	for sg, f := range s.arriving.Faulty() {
		if f.LackingFrom.IsSet() {
			out.Lacks = insertFault(out.Lacks, StreamFault{sg, f.LackingFrom})
		}
		if f.StandsInFrom.IsSet() {
			out.Stands = insertFault(out.Stands, StreamFault{sg, f.StandsInFrom})
		}
	}
	return out
}

// insertFault puts a stream into a sorted list of at most namedStreams.
func insertFault(list []StreamFault, f StreamFault) []StreamFault {
	compare := func(a, b StreamFault) int { return compareSG(a.SourceGroup, b.SourceGroup) }
	if len(list) == namedStreams && compare(f, list[namedStreams-1]) > 0 { // with very many faults, most streams take this fast path
		return list
	}
	at, _ := slices.BinarySearchFunc(list, f, compare)
	list = slices.Insert(list, at, f)
	return list[:min(len(list), namedStreams)]
}

// arrival returns the snapshot of one stream. If several services compare the stream, the
// first of them decides.
func (a *arrivals) arrival(now instant.Time, sg SourceGroup) ArrivalSnapshot {
	_, here := a.flowing[sg]
	out := ArrivalSnapshot{Watched: a.watched, Here: here}
	for _, s := range a.services.list {
		if !a.wantedBehind(s, sg) {
			continue
		}
		f := s.arriving.Find(sg)
		out.Compared, out.Peer = s.arriving.Compared(), f.Peer
		switch {
		case f.LackingFrom.IsSet():
			out.Lacks, out.For = true, now.Sub(f.LackingFrom)
		case f.StandsInFrom.IsSet():
			out.Stands, out.For = true, now.Sub(f.StandsInFrom)
		}
		break
	}
	return out
}

// standsIn reports whether this device sends a stream because it does not arrive at the peer.
func (a *arrivals) standsIn(sg SourceGroup) bool {
	return slices.ContainsFunc(a.services.list, func(s *service) bool { return s.arriving.Find(sg).StandsInFrom.IsSet() })
}

// shownStreams limits how many streams an alarm names.
const shownStreams = 3

// lacksSome reports whether some streams do not arrive here although they arrive at the
// peer, but not most of them. If most streams are lacking, the members are not ready,
// which is an alarm of its own.
func (s *service) lacksSome() bool { return s.arriving.Counts().Lacking > 0 && !s.arriving.LacksMost() }

// lacking names the streams that do not arrive here.
func (s *StreamsSnapshot) lacking() string {
	words := fmt.Sprintf("%d of %d streams: ", s.Lacking, s.Any)
	for i, f := range s.Lacks[:min(len(s.Lacks), shownStreams)] {
		if i > 0 {
			words += ", "
		}
		words += fmt.Sprintf("(%s, %s)", f.Source, f.Group)
	}
	if s.Lacking > shownStreams {
		words += ", ..."
	}
	return words
}
