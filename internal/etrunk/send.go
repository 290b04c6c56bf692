package etrunk

import (
	"bytes"
	"time"

	"tandem/internal/instant"
)

// A hello is sent every hello interval. When its content changes, it is sent at once, and
// repeated until the peer has echoed the number of the change. An answer for which the
// peer waits is sent and repeated in the same way.
const (
	repeatGap  = 20 * time.Millisecond
	maxRepeats = 25

	// While heartbeat paths stand in for BFD, hellos have this interval and this fail
	// time.
	standInInterval = 100 * time.Millisecond
	standInFailTime = time.Second
)

// Outgoing is the state of the side that sends hellos.
type Outgoing struct {
	Epoch     uint64 // random number of this boot
	Sequence  uint64 // sequence number of the last hello
	Challenge uint64
	Change    uint32
	Said      []byte // the content to which the number Change belongs
	Known     bool   // the peer has echoed the number Change
	Repeats   int    // repetitions that are still to be sent
	Last      instant.Time
	Due       instant.Time // when the next periodic hello is due
	Now       bool         // a hello is to be sent at once
}

// unacked records that the peer does not know the present content, for example because it
// has restarted.
func (o *Outgoing) unacked() { o.Known, o.Repeats = false, maxRepeats }

func (o *Outgoing) acked() { o.Known, o.Repeats = true, 0 }

// repeatDeadline returns when the last change is repeated next, Never if the peer has
// echoed it or it has been repeated often enough.
func (o *Outgoing) repeatDeadline() instant.Time {
	if o.Repeats == 0 {
		return instant.Never
	}
	return o.Last.Add(repeatGap)
}

// send sends the hello, if one is due.
func (t *Trunk) send(now instant.Time, fx *Effects) {
	o := &t.kept.Out
	if t.noteChange() {
		o.Change++
		o.unacked()
		o.Now = true
	}
	repeat := o.Repeats > 0 && (!o.Last.IsSet() || o.repeatDeadline().IsDue(now))
	if !o.Now && !repeat && now < o.Due {
		return
	}
	if repeat {
		o.Repeats--
	}
	o.Now, o.Last, o.Due = false, now, now.Add(t.helloInterval())
	if t.sendKey == nil {
		t.kept.Counters.SndDrop++
		o.Repeats = 0
		return
	}
	o.Sequence++
	h := t.hello()
	b, err := h.Append(nil, t.sendKey)
	if err != nil { // impossible: Validate bounds the number of members
		t.kept.Counters.SndDrop++
		return
	}
	for i := range t.kept.Paths {
		t.tally(&t.kept.Paths[i], func(c *Counters) { c.Sent++ })
	}
	fx.Packets = append(fx.Packets, b)
}

// standsIn reports whether heartbeat paths have to stand in for the bound BFD session,
// because that session has no contact with the peer.
func (t *Trunk) standsIn() bool {
	return len(t.cfg.Heartbeats) > 0 && (t.kept.BFD == BFDPending || t.kept.BFD == BFDDown)
}

// helloInterval returns the longest time between two hellos now.
func (t *Trunk) helloInterval() time.Duration {
	if t.standsIn() {
		return min(t.cfg.HelloInterval, standInInterval)
	}
	return t.cfg.HelloInterval
}

// failTime returns the fail time that the hellos advertise now.
func (t *Trunk) failTime() time.Duration {
	if t.standsIn() {
		return min(t.cfg.failTime(), standInFailTime)
	}
	return t.cfg.failTime()
}

// noteChange reports whether the content of the next hello differs from the content sent
// last, and stores the new content. The content is the hello without sequence numbers,
// answers to the peer, and fields that the peer only displays.
func (t *Trunk) noteChange() bool {
	h := t.hello()
	for i := range h.Members {
		h.Members[i].Lack = LackNothing
	}
	h.Sequence, h.Challenge, h.Echo, h.PeerEpoch, h.Change, h.ChangeEcho, h.AckWanted = 0, 0, 0, 0, 0, 0, false
	o := &t.kept.Out
	t.scratch = h.appendBody(t.scratch[:0], t.cfg.AuthMode)
	if bytes.Equal(t.scratch, o.Said) {
		return false
	}
	t.scratch, o.Said = o.Said, t.scratch
	return true
}

// hello returns the hello to send now.
func (t *Trunk) hello() Hello {
	c, o, p := &t.cfg, &t.kept.Out, &t.kept.Peer
	h := Hello{
		ETrunk:   c.ID,
		PeerLost: !p.Alive && p.Lost != ReasonInit, AckWanted: !o.Known, Preferred: t.preferred(), SequenceMode: c.Sequence,
		Role: t.kept.Role, Reason: t.kept.Reason, Priority: c.Priority, SystemID: c.SystemID, DeviceID: c.DeviceID,
		Epoch: o.Epoch, Sequence: o.Sequence, Challenge: o.Challenge, Echo: p.Candidate,
		PeerEpoch: p.Epoch, Change: o.Change, FailTime: t.failTime(),
		LACP: c.LACP, Profiles: c.Profiles, Certificate: c.Certificate,
	}
	if p.Epoch != 0 {
		h.ChangeEcho = p.Hello.Change
	}
	for _, m := range t.members {
		h.Members = append(h.Members, t.helloMember(m))
	}
	return h
}

func (t *Trunk) helloMember(m *member) HelloMember {
	return HelloMember{
		ID: m.ID, Remote: m.remote(), Mode: m.Mode, Reason: m.Reason, Held: m.Revert.Held, Work: m.Work, Announcement: m.Local,
	}
}

// seen returns what the peer knows of a local member: the content sent last, if the peer
// has echoed its number.
func (t *Trunk) seen(m *member) Seen {
	if !t.kept.Out.Known || t.kept.Peer.Hello.PeerLost {
		return Seen{}
	}
	return m.Local.asSeen()
}
