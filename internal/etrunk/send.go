package etrunk

import (
	"bytes"
	"time"

	"tandem/internal/instant"
)

// A hello goes out every hello interval. A change of what it says goes out at
// once and is repeated until the peer has echoed its number, as is an answer that
// the peer waits for.
const (
	repeatGap  = 20 * time.Millisecond
	maxRepeats = 25

	// Hellos that stand in for BFD are that far apart, and their fail time is that short.
	standInInterval = 100 * time.Millisecond
	standInFailTime = time.Second
)

// outgoing is the sending half.
type outgoing struct {
	epoch, sequence uint64
	challenge       uint64
	change          uint32
	said            []byte // the content that change numbers
	known           bool   // the peer has echoed change
	repeats         int    // left
	last            instant.Time
	due             instant.Time // of the next periodic hello
	now             bool         // one is due at once
	scratch         []byte
}

// unacked makes the change known to nobody, as to a new boot of the peer.
func (o *outgoing) unacked() { o.known, o.repeats = false, maxRepeats }

func (o *outgoing) acked() { o.known, o.repeats = true, 0 }

// repeatDeadline is when the latest change is said again, Never when the peer knows of it
// or it has been said often enough.
func (o *outgoing) repeatDeadline() instant.Time {
	if o.repeats == 0 {
		return instant.Never
	}
	return o.last.Add(repeatGap)
}

// send sends what is due.
func (t *Trunk) send(now instant.Time, fx *Effects) {
	o := &t.out
	if t.noteChange() {
		o.change++
		o.unacked()
		o.now = true
	}
	repeat := o.repeats > 0 && (!o.last.IsSet() || o.repeatDeadline().IsDue(now))
	if !o.now && !repeat && now < o.due {
		return
	}
	if repeat {
		o.repeats--
	}
	o.now, o.last, o.due = false, now, now.Add(t.helloInterval())
	if t.sendKey == nil {
		t.counters.SndDrop++
		o.repeats = 0
		return
	}
	o.sequence++
	h := t.hello()
	b, err := h.Append(nil, t.sendKey)
	if err != nil { // Validate bounds the members
		t.counters.SndDrop++
		return
	}
	for i := range t.paths {
		t.tally(&t.paths[i], func(c *Counters) { c.Sent++ })
	}
	fx.Packets = append(fx.Packets, b)
}

// standsIn reports whether heartbeat paths have to stand in for the bound BFD session,
// which does not see the peer.
func (t *Trunk) standsIn() bool {
	return len(t.cfg.Heartbeats) > 0 && (t.bfd == BFDPending || t.bfd == BFDDown)
}

// helloInterval is how long after a hello the next one goes out at the latest.
func (t *Trunk) helloInterval() time.Duration {
	if t.standsIn() {
		return min(t.cfg.HelloInterval, standInInterval)
	}
	return t.cfg.HelloInterval
}

// failTime is the fail time that the hellos tell.
func (t *Trunk) failTime() time.Duration {
	if t.standsIn() {
		return min(t.cfg.failTime(), standInFailTime)
	}
	return t.cfg.failTime()
}

// noteChange tells whether the content differs from what was said last. Content
// is all but the numbers of the packet and what it answers to the peer.
func (t *Trunk) noteChange() bool {
	h := t.hello()
	h.Sequence, h.Challenge, h.Echo, h.PeerEpoch, h.Change, h.ChangeEcho, h.AckWanted = 0, 0, 0, 0, 0, 0, false
	o := &t.out
	o.scratch = h.appendBody(o.scratch[:0], t.cfg.AuthMode)
	if bytes.Equal(o.scratch, o.said) {
		return false
	}
	o.scratch, o.said = o.said, o.scratch
	return true
}

// hello is what there is to say now.
func (t *Trunk) hello() Hello {
	c, o, p := &t.cfg, &t.out, &t.peer
	h := Hello{
		ETrunk:   c.ID,
		PeerLost: !p.alive && p.lost != ReasonInit, AckWanted: !o.known, Preferred: t.preferred(), SequenceMode: c.Sequence,
		Role: t.role, Reason: t.reason, Priority: c.Priority, SystemID: c.SystemID, DeviceID: c.DeviceID,
		Epoch: o.epoch, Sequence: o.sequence, Challenge: o.challenge, Echo: p.candidate,
		PeerEpoch: p.epoch, Change: o.change, FailTime: t.failTime(),
		LACP: c.LACP, Profiles: c.Profiles,
	}
	if p.epoch != 0 {
		h.ChangeEcho = p.hello.Change
	}
	for _, m := range t.members {
		h.Members = append(h.Members, t.helloMember(m))
	}
	return h
}

func (t *Trunk) helloMember(m *member) HelloMember {
	return HelloMember{
		ID: m.ID, Remote: m.remote(), Mode: m.Mode, Reason: m.reason, Held: m.revert.held, Work: m.Work, Announcement: m.local,
	}
}

// seen is what the peer knows of a member: all that was said last, once it has
// echoed the number of that change.
func (t *Trunk) seen(m *member) Seen {
	if !t.out.known || t.peer.hello.PeerLost {
		return Seen{}
	}
	return m.local.asSeen()
}
