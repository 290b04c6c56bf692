package etrunk

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"tandem/internal/instant"
)

// A hello is believed only if it is fresh. There are two ways. It comes from the boot of the
// peer that was believed last, and is newer than the last hello of that boot. Or it comes
// from any boot, and echoes the challenge of this device. A new challenge replaces one that
// has proven a boot, and it does so when the peer is lost. So a recorded hello proves nothing
// later. A hello of an unproven boot is answered with the challenge at once, and has no other
// effect. A hello is sent on every path. The first copy counts; the others show that their
// paths work.

// answerGap is the shortest time between two answers to unproven hellos. It bounds what this
// device sends when somebody replays hellos.
const answerGap = 20 * time.Millisecond

// Peer is what is known of the other device.
type Peer struct {
	Alive    bool
	Heard    bool   // Hello holds the last believed hello
	Hello    Hello  // of the peer, while alive in force
	Epoch    uint64 // the boot that is believed, 0 for none
	Sequence uint64 // of its last hello
	Copies   CopyWindow
	// Candidate is the challenge of the last authentic hello of an unproven boot.
	Candidate uint64
	AnswerAt  instant.Time // no answer to an unproven hello before

	// Lost is why the peer is Lost; ReasonInit while this device still waits for a first hello.
	Lost DeviceReason
	// Expires is when the peer becomes lost without a hello, or the wait for a first hello ends.
	Expires    instant.Time
	AliveSince instant.Time
	// Unlost: since it is alive, the peer has said once that it has not declared this device lost.
	Unlost bool
	// DoubtedSince is since when the peer says that it has declared this device lost; Never while
	// it does not.
	DoubtedSince instant.Time
	// Yielded: the peer has declared this device lost and is Master for that reason.
	Yielded bool
	// Run is for a peer lost by BFD: since when its hellos have kept arriving, and RunLast the last one.
	Run, RunLast instant.Time
	Running      bool
}

// deadline returns when the peer becomes lost without a hello, Never if it is lost already.
func (p *Peer) deadline() instant.Time {
	if p.Alive || p.Lost == ReasonInit {
		return p.Expires
	}
	return instant.Never
}

// restartSession forgets all proofs and waits for the peer again.
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

// Receive takes a datagram from an address in a VPN instance. It returns a *DropError,
// which is already counted, when the datagram is not a hello of the peer's. A hello that
// only starts the proof of a new boot, or a copy, is no error.
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

// hear decides whether an authentic hello is believed.
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

// hearAgain handles a hello of the believed boot: a new one, or a copy of one that came on
// another path before.
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

// answer sends the challenge to a boot that has not proven itself.
func (t *Trunk) answer(now instant.Time, h *Hello) {
	if now < t.kept.Peer.AnswerAt {
		return
	}
	t.kept.Peer.AnswerAt = now.Add(answerGap)
	t.kept.Peer.Candidate = h.Challenge
	t.kept.Out.Now = true
}

// believe applies a fresh hello.
func (t *Trunk) believe(now instant.Time, path *PathSession, h *Hello, fx *Effects) {
	p := &t.kept.Peer
	if !p.Heard || !sameContent(&p.Hello, h) {
		fx.Changed = true
	}
	p.Hello, p.Heard, p.Candidate = *h, true, h.Challenge
	if h.PeerEpoch == t.kept.Out.Epoch && h.ChangeEcho == t.kept.Out.Change && !t.kept.Out.Known {
		t.kept.Out.acked()
		fx.Changed = true // Seen
	}
	if h.AckWanted {
		t.kept.Out.Now = true
	}
	p.Expires = now.Add(t.peerFailTime())
	t.revive(now, path, fx)
	t.judgeLoss(now)
}

// peerMember returns what the live peer announces of a member. Each device must name the
// other's number of the member.
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
		a.LACP == b.LACP && slices.Equal(a.Members, b.Members) && slices.Equal(a.Profiles, b.Profiles)
}
