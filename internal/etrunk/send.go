package etrunk

import (
	"bytes"
	"time"

	"tandem/internal/instant"
)

// A hello is sent every hello interval. When its content changes, it is sent at once, and
// repeated until the peer has echoed the number of the change. The same goes for an answer
// that the peer waits for.
const (
	repeatGap  = 20 * time.Millisecond
	maxRepeats = 25

	// Hellos that stand in for BFD are that far apart, and their fail time is that short.
	standInInterval = 100 * time.Millisecond
	standInFailTime = time.Second
)

// Outgoing is the state of the sender.
type Outgoing struct {
	Epoch     uint64 // of this boot
	Sequence  uint64 // of the last hello
	Challenge uint64
	Change    uint32
	Said      []byte // the content that Change numbers
	Known     bool   // the peer has echoed Change
	Repeats   int    // left
	Last      instant.Time
	Due       instant.Time // when the next periodic hello is due
	Now       bool         // a hello is due at once
}

// unacked notes that the peer does not know the change, for example because it has restarted.
func (o *Outgoing) unacked() { o.Known, o.Repeats = false, maxRepeats }

func (o *Outgoing) acked() { o.Known, o.Repeats = true, 0 }

// repeatDeadline returns when the last change is sent again, Never if the peer knows it or it
// has been sent often enough.
func (o *Outgoing) repeatDeadline() instant.Time {
	if o.Repeats == 0 {
		return instant.Never
	}
	return o.Last.Add(repeatGap)
}

// send sends what is due.
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
	if err != nil { // Validate bounds the members
		t.kept.Counters.SndDrop++
		return
	}
	for i := range t.kept.Paths {
		t.tally(&t.kept.Paths[i], func(c *Counters) { c.Sent++ })
	}
	fx.Packets = append(fx.Packets, b)
}

// standsIn reports whether heartbeat paths have to stand in for the bound BFD session,
// which does not see the peer.
func (t *Trunk) standsIn() bool {
	return len(t.cfg.Heartbeats) > 0 && (t.kept.BFD == BFDPending || t.kept.BFD == BFDDown)
}

// helloInterval returns the longest time between two hellos.
func (t *Trunk) helloInterval() time.Duration {
	if t.standsIn() {
		return min(t.cfg.HelloInterval, standInInterval)
	}
	return t.cfg.HelloInterval
}

// failTime returns the fail time that the hellos carry.
func (t *Trunk) failTime() time.Duration {
	if t.standsIn() {
		return min(t.cfg.failTime(), standInFailTime)
	}
	return t.cfg.failTime()
}

// noteChange reports whether the content differs from the last one that was sent. The content
// is the hello without its numbers, without the answers to the peer, and without what is only shown there.
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
		LACP: c.LACP, Profiles: c.Profiles,
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

// seen returns what the peer knows of a member: all of the last content, if the peer has
// echoed the number of that change.
func (t *Trunk) seen(m *member) Seen {
	if !t.kept.Out.Known || t.kept.Peer.Hello.PeerLost {
		return Seen{}
	}
	return m.Local.asSeen()
}
