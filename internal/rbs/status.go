package rbs

import "tandem/internal/instant"

// MaxStatus is the maximum length of a status, in bytes. A status must fit into a chunk
// together with the small frames.
const MaxStatus = maxChunk / 2

// statusExchange is the exchange of statuses, which are for displays. It is not part of
// the replication. A status may be lost with its connection. Only the callers on both
// devices interpret its content.
type statusExchange struct {
	asking  bool   // this end has a STATUS-REQUEST to send
	telling []byte // the status to send, nil for none
	wanted  bool   // the peer has requested a status
	told    []byte // the status received from the peer, nil for none
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

// AskStatus requests the peer's status. The answer comes as [Effects].Status. Nothing is
// sent to a peer of an older protocol version.
func (s *Service) AskStatus(now instant.Time, fx *Effects) {
	if s.tcp != Connected || s.current.session.Peer().Features&featureStatus == 0 {
		return
	}
	s.current.session.status.asking = true
	s.pump(now, fx)
}

// TellStatus sends this device's status to a peer that has requested it. A status longer
// than MaxStatus is not sent.
func (s *Service) TellStatus(now instant.Time, status []byte, fx *Effects) {
	if s.tcp != Connected || len(status) > MaxStatus {
		return
	}
	s.current.session.status.telling = status
	s.pump(now, fx)
}
