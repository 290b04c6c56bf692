package etrunk

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"tandem/internal/instant"
)

// A hello is accepted only if it is fresh. There are two ways to show this. Either the
// hello comes from the boot of the peer that was accepted last, and is newer than the
// last hello of that boot. Or it comes from any boot, and echoes the challenge of this
// device. When a boot has proven itself by a challenge, or when the peer is lost, this
// device draws a new challenge. So a recorded hello is worth nothing later. This device
// answers a hello of an unproven boot with the challenge at once, and does nothing else.
// A hello is sent on every path. Only the first copy has an effect; the others show that
// their paths work.

// answerGap is the shortest time between two answers to unproven hellos. It bounds what
// this device sends when an attacker replays hellos.
const answerGap = 20 * time.Millisecond

// Peer is the state of the other device as this one knows it.
type Peer struct {
	Alive    bool
	Heard    bool   // a hello of the peer has been accepted; Hello is the last one
	Hello    Hello  // the peer's last accepted hello; it is in force while the peer is alive
	Epoch    uint64 // the epoch (boot) of the peer whose hellos are accepted, 0 for none
	Sequence uint64 // the sequence number of the last hello of that epoch
	Copies   CopyWindow
	// Candidate is the challenge in the last authentic hello of an unproven boot, to be
	// echoed to it.
	Candidate uint64
	AnswerAt  instant.Time // no unproven hello is answered before this instant

	// Lost is why the peer is lost; ReasonInit while this device still waits for a first
	// hello.
	Lost DeviceReason
	// Expires is when the peer becomes lost if no hello comes, or when the wait for a
	// first hello ends.
	Expires    instant.Time
	AliveSince instant.Time
	// Unlost says that, since AliveSince, at least one hello of the peer had no flag
	// PeerLost. Such a hello means that the peer does not regard this device as lost.
	Unlost bool
	// DoubtedSince is the time since which the peer's hellos have the flag PeerLost: the peer
	// regards this device as lost. It is Never if they do not have the flag.
	DoubtedSince instant.Time
	// Yielded says that this device became Backup because the peer has declared it lost
	// and is Master.
	Yielded bool
	// Run and RunLast are used when BFD has declared the peer lost. Run is since when the
	// peer's hellos have arrived without a gap, RunLast is when the last one came.
	Run, RunLast instant.Time
	Running      bool
}

// deadline returns when the peer becomes lost if no hello comes, Never if it is lost
// already.
func (p *Peer) deadline() instant.Time {
	if p.Alive || p.Lost == ReasonInit {
		return p.Expires
	}
	return instant.Never
}

// restartSession discards all proofs and waits for the peer as at the start.
func (t *Trunk) restartSession(now instant.Time, fx *Effects) {
	if t.kept.Peer.Alive {
		fx.Events = append(fx.Events, Event{Kind: PeerLost, Reason: ReasonInit})
	}
	t.kept.Peer = Peer{Expires: now.Add(t.cfg.failTime())}
	t.forgetPaths()
	t.kept.Out.Challenge = t.nonce()
	t.kept.Out.Due = now
	if t.kept.BFD == BFDDown {
		t.losePeer(ReasonBFDDown, fx)
	}
}

// Receive handles a datagram from an address in a VPN instance. If the datagram is not a
// hello of the peer, it counts the drop and returns a *DropError. A copy, or a hello that
// only starts the proof of a new boot, is no error.
func (t *Trunk) Receive(now instant.Time, from netip.Addr, vpn string, b []byte, fx *Effects) error {
	path := t.pathFrom(from, vpn)
	h, err := t.open(path, from, b)
	if err == nil {
		err = t.hear(now, path, h, fx)
	}
	if err != nil {
		var d *DropError
		if errors.As(err, &d) {
			t.tally(path, func(c *Counters) { c.count(d.Cause) })
			t.noteRefusal(d.Cause, fx)
		}
		return err
	}
	t.tally(path, func(c *Counters) { c.Received++ })
	t.settle(now, fx)
	return nil
}

// open makes the checks that do not depend on earlier hellos.
func (t *Trunk) open(path *PathSession, from netip.Addr, b []byte) (*Hello, error) {
	if len(t.cfg.Key) == 0 {
		return nil, &DropError{Cause: CauseNoKey}
	}
	if t.recvKey == nil || path == nil {
		return nil, drop(CauseWrongAddress, "got %v, want %v", from, t.cfg.Peer)
	}
	id, err := PeekID(b)
	if err != nil {
		return nil, err
	}
	if id != t.cfg.ID {
		return nil, drop(CauseUnknownTrunk, "got %d, want %d", id, t.cfg.ID)
	}
	h := new(Hello)
	if err := h.Parse(b, t.recvKey); err != nil {
		return nil, err
	}
	if h.DeviceID == t.cfg.DeviceID || h.Epoch == t.kept.Out.Epoch {
		return nil, drop(CauseOwnDevice, "device ID %x", h.DeviceID)
	}
	if h.SequenceMode != t.cfg.Sequence {
		return nil, drop(CauseBadSequence, "peer has it %v", h.SequenceMode)
	}
	return h, nil
}

// hear decides whether an authentic hello is accepted.
func (t *Trunk) hear(now instant.Time, path *PathSession, h *Hello, fx *Effects) error {
	p := &t.kept.Peer
	switch {
	case h.Epoch == p.Epoch:
		return t.hearAgain(now, path, h, fx)
	case h.Echo == t.kept.Out.Challenge:
		restarted := p.Epoch != 0
		p.Epoch, p.Sequence = h.Epoch, h.Sequence
		p.Copies = CopyWindow{Floor: h.Sequence - 1, Next: h.Sequence - 1, At: now}
		t.forgetPaths()
		path.came(now, h.Sequence)
		t.kept.Out.Challenge = t.nonce()
		t.kept.Out.unacked()
		t.believe(now, path, h, fx)
		if restarted {
			fx.Events = append(fx.Events, Event{Kind: PeerRestarted})
		}
	default:
		t.tally(path, func(c *Counters) { c.Challenged++ })
		t.answer(now, h)
	}
	return nil
}

// hearAgain handles a hello of the accepted boot: either a new one, or a copy of one that
// came by another path before.
func (t *Trunk) hearAgain(now instant.Time, path *PathSession, h *Hello, fx *Effects) error {
	p := &t.kept.Peer
	p.Copies.age(now, p.Sequence)
	if last := max(path.Sequence, p.Copies.Floor); h.Sequence <= last {
		return drop(CauseReplay, "sequence %d after %d", h.Sequence, last)
	}
	path.came(now, h.Sequence)
	if h.Sequence <= p.Sequence {
		t.tally(path, func(c *Counters) { c.Duplicate++ })
		t.revive(now, path, fx)
		return nil
	}
	p.Sequence = h.Sequence
	for i := range t.kept.Paths {
		if other := &t.kept.Paths[i]; other != path {
			other.missed(now)
		}
	}
	t.believe(now, path, h, fx)
	return nil
}

// answer sends the challenge to a boot that has not proven itself yet.
func (t *Trunk) answer(now instant.Time, h *Hello) {
	if now < t.kept.Peer.AnswerAt {
		return
	}
	t.kept.Peer.AnswerAt = now.Add(answerGap)
	t.kept.Peer.Candidate = h.Challenge
	t.kept.Out.Now = true
}

// believe accepts a fresh hello and applies its content.
func (t *Trunk) believe(now instant.Time, path *PathSession, h *Hello, fx *Effects) {
	p := &t.kept.Peer
	if !p.Heard || !sameContent(&p.Hello, h) {
		fx.Changed = true
	}
	p.Hello, p.Heard, p.Candidate = *h, true, h.Challenge
	if h.PeerEpoch == t.kept.Out.Epoch && h.ChangeEcho == t.kept.Out.Change && !t.kept.Out.Known {
		t.kept.Out.acked()
		fx.Changed = true // Seen may have changed
	}
	if h.AckWanted {
		t.kept.Out.Now = true
	}
	p.Expires = now.Add(t.peerFailTime())
	t.revive(now, path, fx)
	t.judgeLoss(now)
}

// peerMember returns the live peer's announcement for a member. Each device must be
// configured with the other's number of the member.
func (t *Trunk) peerMember(m *member) (*HelloMember, bool) {
	if !t.kept.Peer.Alive {
		return nil, false
	}
	members := t.kept.Peer.Hello.Members
	i := slices.IndexFunc(members, func(h HelloMember) bool {
		return h.ID == m.remote() && h.Remote == m.ID
	})
	if i < 0 {
		return nil, false
	}
	return &members[i], true
}

// sameContent reports whether two hellos of the peer lead to the same State.
func sameContent(a, b *Hello) bool {
	return a.Role == b.Role && a.Priority == b.Priority && a.SystemID == b.SystemID && a.FailTime == b.FailTime &&
		a.DeviceID == b.DeviceID && a.Preferred == b.Preferred && a.PeerLost == b.PeerLost &&
		a.LACP == b.LACP && a.Certificate == b.Certificate && slices.Equal(a.Members, b.Members) && slices.Equal(a.Profiles, b.Profiles)
}
