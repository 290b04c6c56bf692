package device

import (
	"fmt"
	"slices"
	"time"

	"tandem/internal/instant"
	"tandem/internal/proof"
)

// StreamsSnapshot is which of the streams that listeners behind the interfaces of a service
// want arrive, at this device and at the peer.
type StreamsSnapshot struct {
	Watched  bool // the forwarding plane tells which streams arrive here
	Compared bool // the peer has told which streams arrive there
	proof.Counts
	LacksMost, PeerLacksMost bool
	// Lacks and Stands are the first ten streams of Counts.Lacking and Counts.StandsIn, by
	// group, then source.
	Lacks, Stands []StreamFault
}

// StreamFault is a stream that arrives at one of the two devices only.
type StreamFault struct {
	SourceGroup
	Since instant.Time // when one device began to send it in the other's stead
}

// ArrivalSnapshot is where one stream arrives.
type ArrivalSnapshot struct {
	Watched, Compared bool          // whether it arrives here, at the peer, has been measured
	Here, Peer        bool          // it arrives
	Lacks, Stands     bool          // the peer sends it in this device's stead, this device in the peer's
	For               time.Duration // how long that has been so
}

// namedStreams limits how many streams a snapshot names.
const namedStreams = 10

// snapshot describes the streams of a service.
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
	if len(list) == namedStreams && compare(f, list[namedStreams-1]) > 0 { // as most of very many are
		return list
	}
	at, _ := slices.BinarySearchFunc(list, f, compare)
	list = slices.Insert(list, at, f)
	return list[:min(len(list), namedStreams)]
}

// arrival describes one stream. If several services compare it, the first one tells.
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

// lacksSome reports whether some streams do not arrive here, although they arrive at the peer.
// If most do not, the members are not ready, which is another alarm.
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
