package rbs

import "tandem/internal/instant"

// MaxStatus is the longest status that is told, in bytes: it must fit a chunk beside
// the frames that do not wait.
const MaxStatus = maxChunk / 2

// statusExchange is what the two ends tell each other of themselves for people to
// see. It is no part of replication: a status may be lost with its connection, and
// what is in it is the callers' business.
type statusExchange struct {
	asking  bool   // a STATUS-REQUEST is to be sent
	telling []byte // a STATUS is to be sent, nil for none
	wanted  bool   // the peer has asked
	told    []byte // the peer has told, nil for nothing
}

func (x *statusExchange) pending() bool { return x.asking || x.telling != nil }

// appendStatusRequest appends a STATUS-REQUEST frame.
func appendStatusRequest(dst []byte) []byte {
	return endFrame(beginFrame(dst, frameStatusRequest), len(dst))
}

// appendStatus appends a STATUS frame; status is at most MaxStatus bytes.
func appendStatus(dst, status []byte) []byte {
	return endFrame(append(beginFrame(dst, frameStatus), status...), len(dst))
}

// putStatus appends what there is room for.
func (s *session) putStatus(limit int) {
	x := &s.status
	if x.asking && len(s.out)+headerSize <= limit {
		x.asking = false
		s.out = appendStatusRequest(s.out)
		s.counters.FramesSent++
	}
	if x.telling != nil && len(s.out)+headerSize+len(x.telling) <= limit {
		s.out = appendStatus(s.out, x.telling)
		x.telling = nil
		s.counters.FramesSent++
	}
}

// AskStatus asks the peer how it is. A peer of a release that cannot tell is not
// asked; the answer comes as [Effects].Status.
func (s *Service) AskStatus(now instant.Time, fx *Effects) {
	if s.tcp != Connected || s.current.session.Peer().Features&featureStatus == 0 {
		return
	}
	s.current.session.status.asking = true
	s.pump(now, fx)
}

// TellStatus answers a peer that asked. One that is too long is not told.
func (s *Service) TellStatus(now instant.Time, status []byte, fx *Effects) {
	if s.tcp != Connected || len(status) > MaxStatus {
		return
	}
	s.current.session.status.telling = status
	s.pump(now, fx)
}
