package rbs

import "tandem/internal/instant"

// MaxStatus is the greatest length of a status, in bytes. A status must fit into a chunk
// together with the small frames.
const MaxStatus = maxChunk / 2

// statusExchange is the exchange of statuses, which are for displays. It is not part of the
// replication. A status may be lost with its connection. Only the callers know its content.
type statusExchange struct {
	asking  bool   // a STATUS-REQUEST is to be sent
	telling []byte // a STATUS is to be sent, nil for none
	wanted  bool   // the peer has asked
	told    []byte // the peer's status, nil for none
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

// putStatus appends the status frames for which there is room.
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

// AskStatus asks the peer for its status. The answer comes as [Effects].Status. A peer of an
// older protocol version is not asked.
func (s *Service) AskStatus(now instant.Time, fx *Effects) {
	if s.tcp != Connected || s.current.session.Peer().Features&featureStatus == 0 {
		return
	}
	s.current.session.status.asking = true
	s.pump(now, fx)
}

// TellStatus answers a peer that has asked. A status longer than MaxStatus is not sent.
func (s *Service) TellStatus(now instant.Time, status []byte, fx *Effects) {
	if s.tcp != Connected || len(status) > MaxStatus {
		return
	}
	s.current.session.status.telling = status
	s.pump(now, fx)
}
