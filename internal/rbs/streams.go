package rbs

import "tandem/internal/instant"

// streamExchange holds what a session still has to report about the streams that arrive
// here. It holds only the keys of streams. The state of a stream is looked up when the
// frame is made. So a stream that changes often while the connection is busy is sent
// once. The peer acknowledges none of it: a new connection begins with the whole list.
type streamExchange struct {
	on    bool // both ends exchange reports of streams
	begin bool // the next frame begins a new list
	whole bool // the queue still holds streams of the whole list: the first left ones; after them a frame has to say complete
	left  int
	dirtyQueue[Stream]
}

func (x *streamExchange) pending() bool { return x.begin || x.whole || x.len() > 0 }

// ShareStreams makes the service exchange with the peer which streams arrive. It must be
// called before Configure.
func (s *Service) ShareStreams(streams Streams) { s.streams = streams }

// StreamChanged says that the Arrival of a stream has changed.
func (s *Service) StreamChanged(now instant.Time, stream Stream) {
	s.now = now
	for l := range s.links() {
		if l.session.streams.on {
			l.session.streams.push(now, stream)
		}
	}
}

// TellStreams reports all streams to the peer again. The caller uses it when it begins or
// ceases to observe streams.
func (s *Service) TellStreams(now instant.Time) {
	s.now = now
	for l := range s.links() {
		if l.session.streams.on {
			l.session.tellStreams(now)
		}
	}
}

// meetStreams begins the exchange of streams with a peer whose HELLO has come.
func (s *session) meetStreams(now instant.Time) {
	switch {
	case s.cfg.Streams == nil:
	case s.peer.Features&featureArriving == 0:
		s.cfg.Streams.PeerCannotTell(now)
	default:
		s.streams.on = true
		s.tellStreams(now)
	}
}

// tellStreams queues all streams that are to be reported.
func (s *session) tellStreams(now instant.Time) {
	x := &s.streams
	*x = streamExchange{on: true, begin: true, whole: s.cfg.Streams.Observed()}
	if !x.whole {
		return
	}
	for stream := range s.cfg.Streams.Arriving() {
		x.push(now, stream)
	}
	x.left = x.len()
}

// putArriving appends one ARRIVING frame from the queue.
func (s *session) putArriving(now instant.Time, limit int) {
	x := &s.streams
	if !x.pending() || len(s.out)+headerSize+arrivingFixed > limit {
		return
	}
	start := len(s.out)
	limit = min(limit, start+maxArriving)
	var flags byte
	if x.begin {
		flags, x.begin = arrivingBegin, false
	}
	s.out = appendArriving(s.out, flags)
	for x.len() > 0 && len(s.out)+arrivalSize <= limit {
		a := s.cfg.Streams.Arrival(now, x.first().key)
		s.out = appendArrival(s.out, start, &a)
		s.counters.StreamsSent++
		x.pop()
		x.left = max(x.left-1, 0)
	}
	if x.whole && x.left == 0 {
		x.whole = false
		s.out[start+headerSize] |= arrivingComplete
	}
	s.counters.FramesSent++
}

// takeArriving handles an ARRIVING frame of the peer.
func (s *session) takeArriving(now instant.Time, body []byte) error {
	f, err := parseArriving(body)
	if err != nil {
		return err
	}
	if f.Begin {
		s.cfg.Streams.PeerBegins(now)
	}
	for a, more := f.Next(); more; a, more = f.Next() {
		s.counters.StreamsReceived++
		if !s.cfg.Streams.PeerTells(now, &a) {
			s.counters.StreamsFull++
		}
	}
	if f.Complete {
		s.cfg.Streams.PeerComplete(now)
	}
	return nil
}
