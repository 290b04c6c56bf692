package device

import (
	"iter"
	"maps"
	"slices"

	"tandem/internal/instant"
	"tandem/internal/proof"
	"tandem/internal/rbs"
)

// arrivals holds which streams come in here. For each service, [proof.Arriving] compares
// the streams wanted behind its interfaces with the peer's reports.
type arrivals struct {
	*ground
	services *replication
	routes   *routing
	watched  bool                        // the forwarding plane reports all routed streams
	flowing  map[SourceGroup]proof.Sight // the streams that flow, by the plane's last report
}

// setWatched records whether the forwarding plane can report which streams come in.
func (a *arrivals) setWatched(now instant.Time, on bool) {
	if on == a.watched {
		return
	}
	if a.watched = on; !on {
		for _, sg := range a.sorted() {
			delete(a.flowing, sg)
			for _, s := range a.services.list {
				s.arriving.Forget(now, sg)
			}
		}
	}
	for _, s := range a.services.list {
		s.core.TellStreams(now)
	}
}

// sorted lists the streams that flow.
func (a *arrivals) sorted() []SourceGroup {
	return slices.SortedFunc(maps.Keys(a.flowing), compareSG)
}

// seen handles the plane's report about streams.
func (a *arrivals) seen(now instant.Time, streams []StreamSight) {
	for _, told := range streams {
		sg := told.SourceGroup
		if a.routes.table.get(sg) == nil {
			continue // no listener wants the stream any more
		}
		sight := told.sight(now)
		if told.Flows {
			a.flowing[sg] = sight
		} else {
			delete(a.flowing, sg)
		}
		for _, s := range a.services.list {
			switch {
			case !told.Flows:
				s.arriving.Silent(now, sg, sight.Last)
			case a.wantedBehind(s, sg):
				s.arriving.Flows(now, sg, sight)
				s.arriving.Seen(now, sg, sight)
			}
		}
	}
}

// sight converts a report: it replaces ages by instants.
func (s *StreamSight) sight(now instant.Time) proof.Sight {
	sight := proof.Sight{Packets: s.Packets, Pause: s.Pause}
	if s.Packets > 0 {
		sight.Last = now.Add(-s.Age)
	}
	if s.Pause > 0 {
		sight.PauseEnd = now.Add(-s.PauseAge)
	}
	return sight
}

// rerouted implements [rerouter].
func (a *arrivals) rerouted(now instant.Time, sg SourceGroup) {
	sight, flows := a.flowing[sg]
	if r := a.routes.table.get(sg); flows && (r == nil || len(r.path.outgoing) == 0) {
		delete(a.flowing, sg)
	}
	for _, s := range a.services.list {
		switch {
		case !a.wantedBehind(s, sg):
			s.arriving.Forget(now, sg) // this also forgets silent streams, because this device may still send them in the peer's stead
		case flows:
			s.arriving.Flows(now, sg, sight)
		}
	}
}

// reassigned updates the streams of every service after interfaces have moved between
// services.
func (a *arrivals) reassigned(now instant.Time) {
	for _, sg := range a.sorted() {
		a.rerouted(now, sg)
	}
	for _, s := range a.services.list {
		for _, sg := range slices.Clone(s.arriving.Stands()) {
			a.rerouted(now, sg)
		}
	}
}

// wantedBehind reports whether a stream has an outgoing interface that belongs to a
// service.
func (a *arrivals) wantedBehind(s *service, sg SourceGroup) bool {
	r := a.routes.table.get(sg)
	return r != nil && slices.ContainsFunc(s.interfaces, func(ifc *downstream) bool {
		return slices.Contains(r.path.outgoing, ifc.netdev)
	})
}

// advance does what is due in the comparison of every service.
func (a *arrivals) advance(now instant.Time) {
	for _, s := range a.services.list {
		if s.arriving.Deadline().IsDue(now) {
			s.arriving.Advance(now)
		}
	}
}

// follow carries out the consequences of what is now known about streams.
func (a *arrivals) follow(now instant.Time) {
	for _, s := range a.services.list {
		a.fx.Look = append(a.fx.Look, s.arriving.Looks()...)
		a.fx.Missed = append(a.fx.Missed, s.arriving.Missed()...)
		for _, sg := range s.arriving.News() {
			s.core.StreamChanged(now, rbs.Stream(sg))
		}
		if s.arriving.StandsChanged() {
			a.agenda.add(stageGate, now)
		}
		s.noteArriving(now, a.watched)
		if most := [2]bool{s.arriving.LacksMost(), s.arriving.PeerLacksMost()}; most != s.most {
			s.most = most
			a.agenda.add(stageDuty, now)
		}
	}
}

// exceptions lists the streams that pass the gate although their bucket is the peer's:
// the peer does not know of a listener, or the stream does not come in there.
func (a *arrivals) exceptions(e *exceptions) []SourceGroup {
	set := e.Current
	if !e.sharesAny() {
		return set
	}
	for _, s := range a.services.list {
		if stands := s.arriving.Stands(); len(stands) > 0 {
			set = slices.Concat(set, stands)
		}
	}
	if len(set) > len(e.Current) {
		slices.SortFunc(set, compareSG)
		set = slices.Compact(set)
	}
	return set
}

// lacksStreams reports whether most streams that the listeners of a member want come in
// at the peer and not here.
func (rp *replication) lacksStreams(id Member) bool {
	for s := range rp.of(id) {
		if s != nil && s.arriving.LacksMost() {
			return true
		}
	}
	return false
}

// peerLacksStreams reports whether most streams that the listeners of a member want come
// in here and not at the peer.
func (rp *replication) peerLacksStreams(id Member) bool {
	for s := range rp.of(id) {
		if s != nil && s.arriving.PeerLacksMost() {
			return true
		}
	}
	return false
}

// streamSharing implements [rbs.Streams] for the streams behind the interfaces of a service.
type streamSharing struct{ *service }

// Observed implements [rbs.Streams].
func (s streamSharing) Observed() bool { return s.all.arrivals.watched }

// Arriving implements [rbs.Streams].
func (s streamSharing) Arriving() iter.Seq[rbs.Stream] {
	return func(yield func(rbs.Stream) bool) {
		s.arriving.Arrivals(func(sg SourceGroup) bool { return yield(rbs.Stream(sg)) })
	}
}

// Arrival implements [rbs.Streams].
func (s streamSharing) Arrival(now instant.Time, stream rbs.Stream) rbs.Arrival {
	sg := SourceGroup(stream)
	t := s.arriving.Tell(now, sg, s.all.arrivals.wantedBehind(s.service, sg))
	return rbs.Arrival{Stream: stream, Flows: t.Flows, StandsIn: t.StandsIn, Withdrawn: t.Withdrawn, Asks: t.Asks, Answers: t.Answers, Age: t.Age}
}

// PeerBegins implements [rbs.Streams].
func (s streamSharing) PeerBegins(now instant.Time) {
	s.observe(Outcome{Kind: StreamsBegin})
	s.arriving.PeerBegins(now)
}

// PeerTells implements [rbs.Streams].
func (s streamSharing) PeerTells(now instant.Time, a *rbs.Arrival) bool {
	s.observe(Outcome{Kind: StreamTold, Arrival: *a})
	return s.arriving.PeerTells(now, SourceGroup(a.Stream), proof.Told{Flows: a.Flows, StandsIn: a.StandsIn, Withdrawn: a.Withdrawn, Asks: a.Asks, Answers: a.Answers, Age: a.Age})
}

// PeerComplete implements [rbs.Streams].
func (s streamSharing) PeerComplete(now instant.Time) {
	s.observe(Outcome{Kind: StreamsComplete})
	s.arriving.PeerComplete(now)
}

// PeerCannotTell implements [rbs.Streams].
func (s streamSharing) PeerCannotTell(now instant.Time) {
	s.observe(Outcome{Kind: StreamsNotTold})
	s.arriving.PeerCannotTell(now)
}

var _ rbs.Streams = streamSharing{}

// FlowingCheckpoint is a stream that flows.
type FlowingCheckpoint struct {
	Stream SourceGroup
	Sight  proof.Sight
}

// ArrivalsCheckpoint is the plane's last report about streams.
type ArrivalsCheckpoint struct {
	Watched bool
	Flowing []FlowingCheckpoint // sorted by group and source
}

func (a *arrivals) checkpoint() ArrivalsCheckpoint {
	cp := ArrivalsCheckpoint{Watched: a.watched}
	for _, sg := range a.sorted() {
		cp.Flowing = append(cp.Flowing, FlowingCheckpoint{sg, a.flowing[sg]})
	}
	return cp
}

// resume goes on from the state of a predecessor. After a restart the new plane reports
// again which streams flow, so the old reports do not count. A replay has no plane, so
// they do.
func (a *arrivals) resume(now instant.Time, cp *Checkpoint) {
	if a.services.replayed {
		a.watched = cp.Arrivals.Watched
		for _, f := range cp.Arrivals.Flowing {
			a.flowing[f.Stream] = f.Sight
		}
	}
	for _, sc := range cp.Services {
		s := a.services.get(sc.Name)
		if s == nil {
			continue
		}
		s.arriving.Resume(sc.Arriving)
		if a.services.replayed {
			continue
		}
		for _, f := range cp.Arrivals.Flowing {
			s.arriving.Lose(now, f.Stream)
		}
		s.arriving.PeerBegins(now)
	}
}
