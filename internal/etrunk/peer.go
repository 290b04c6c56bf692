package etrunk

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"tandem/internal/instant"
)

// A hello is believed only if it is fresh: of the boot of the peer that was
// believed last and newer than its last hello, or of any boot that echoes our
// challenge. The challenge is replaced as soon as it has proven a boot, and when
// the peer is lost, so nothing recorded earlier proves anything again. A hello of
// an unproven boot is answered with the challenge at once and otherwise ignored.
// A hello goes by every path; the first copy counts, the others show the path.

// answerGap is the least time between two answers to unproven hellos, so that
// replayed ones cannot make us send without bound.
const answerGap = 20 * time.Millisecond

// peer is what is known of the other device.
type peer struct {
	alive bool
	heard bool  // hello holds the last believed hello
	hello Hello // of the peer, while alive in force
	// epoch is the boot that is believed, 0 for none.
	epoch, sequence uint64
	copies          copyWindow
	// candidate is the challenge of the last authentic hello of an unproven boot.
	candidate uint64
	answerAt  instant.Time // no answer to an unproven hello before

	// lost is why the peer is lost, ReasonInit while it has not been waited for long enough.
	lost DeviceReason
	// expires is when silence makes the peer lost, or ends the wait for a first hello.
	expires    instant.Time
	aliveSince instant.Time
	// unlost: the peer has told us, since it is alive, that it does not hold us for lost.
	unlost bool
	// doubtedSince is when the peer began to say that it holds us for lost, Never while it does not.
	doubtedSince instant.Time
	// yielded: the peer holds us for lost and is Master of its own accord.
	yielded bool
	// run is for a peer lost by BFD: since when its hellos have kept arriving, and the last one.
	run, runLast instant.Time
	running      bool
}

// deadline is when silence counts, Never when it does not.
func (p *peer) deadline() instant.Time {
	if p.alive || p.lost == ReasonInit {
		return p.expires
	}
	return instant.Never
}

// restartSession forgets all proof and waits for the peer anew.
func (t *Trunk) restartSession(now instant.Time, fx *Effects) {
	if t.peer.alive {
		fx.Events = append(fx.Events, Event{Kind: PeerLost, Reason: ReasonInit})
	}
	t.peer = peer{expires: now.Add(t.cfg.failTime())}
	t.forgetPaths()
	t.out.challenge = t.nonce()
	t.out.due = now
	if t.bfd == BFDDown {
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

// open makes the checks that need no memory of earlier hellos.
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
	if h.DeviceID == t.cfg.DeviceID || h.Epoch == t.out.epoch {
		return nil, drop(CauseOwnDevice, "device ID %x", h.DeviceID)
	}
	if h.SequenceMode != t.cfg.Sequence {
		return nil, drop(CauseBadSequence, "peer has it %v", h.SequenceMode)
	}
	return h, nil
}

// hear decides whether an authentic hello is believed.
func (t *Trunk) hear(now instant.Time, path *PathSession, h *Hello, fx *Effects) error {
	p := &t.peer
	switch {
	case h.Epoch == p.epoch:
		return t.hearAgain(now, path, h, fx)
	case h.Echo == t.out.challenge:
		restarted := p.epoch != 0
		p.epoch, p.sequence = h.Epoch, h.Sequence
		p.copies = copyWindow{Floor: h.Sequence - 1, Next: h.Sequence - 1, At: now}
		t.forgetPaths()
		path.came(now, h.Sequence)
		t.out.challenge = t.nonce()
		t.out.unacked()
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

// hearAgain takes in a hello of the believed boot: a new one, or a copy of one that
// another path brought sooner.
func (t *Trunk) hearAgain(now instant.Time, path *PathSession, h *Hello, fx *Effects) error {
	p := &t.peer
	p.copies.age(now, p.sequence)
	if last := max(path.Sequence, p.copies.Floor); h.Sequence <= last {
		return drop(CauseReplay, "sequence %d after %d", h.Sequence, last)
	}
	path.came(now, h.Sequence)
	if h.Sequence <= p.sequence {
		t.tally(path, func(c *Counters) { c.Duplicate++ })
		t.revive(now, path, fx)
		return nil
	}
	p.sequence = h.Sequence
	for i := range t.paths {
		if other := &t.paths[i]; other != path {
			other.missed(now)
		}
	}
	t.believe(now, path, h, fx)
	return nil
}

// answer sends the challenge to a boot that has not proven itself.
func (t *Trunk) answer(now instant.Time, h *Hello) {
	if now < t.peer.answerAt {
		return
	}
	t.peer.answerAt = now.Add(answerGap)
	t.peer.candidate = h.Challenge
	t.out.now = true
}

// believe takes in a fresh hello.
func (t *Trunk) believe(now instant.Time, path *PathSession, h *Hello, fx *Effects) {
	p := &t.peer
	if !p.heard || !sameContent(&p.hello, h) {
		fx.Changed = true
	}
	p.hello, p.heard, p.candidate = *h, true, h.Challenge
	if h.PeerEpoch == t.out.epoch && h.ChangeEcho == t.out.change && !t.out.known {
		t.out.acked()
		fx.Changed = true // Seen
	}
	if h.AckWanted {
		t.out.now = true
	}
	p.expires = now.Add(t.peerFailTime())
	t.revive(now, path, fx)
	t.judgeLoss(now)
}

// revive takes a peer that was lost for alive again, if it may.
func (t *Trunk) revive(now instant.Time, path *PathSession, fx *Effects) {
	p := &t.peer
	if p.alive || !t.mayRevive(now, path) {
		return
	}
	p.alive, p.aliveSince, p.running = true, now, false
	p.unlost, p.doubtedSince, p.yielded = false, instant.Never, false
	fx.Changed = true
	fx.Events = append(fx.Events, Event{Kind: PeerFound})
}

// mayRevive tells whether a hello by a path brings the peer back. After BFD went Down
// the hellos of the primary path, which BFD watches, do so only when they have kept
// arriving for the whole fail time, so that a path that loses the data does not look
// sound, and a broken BFD session does not keep the devices apart for ever. By another
// path one is enough: it answers a challenge that was drawn when BFD went Down.
func (t *Trunk) mayRevive(now instant.Time, path *PathSession) bool {
	p := &t.peer
	if t.bfd != BFDDown || t.isHeartbeat(path) {
		return true
	}
	fail := t.peerFailTime()
	if !p.running || now.Sub(p.runLast) > fail/2 {
		p.running, p.run = true, now
	}
	p.runLast = now
	return now.Sub(p.run) >= fail
}

// judgeLoss decides whether to yield to a peer that holds us for lost though we
// hear it (PEER_TIMEOUT). Right after a cut both sides still say so of each other;
// that is over within a hello, and must not make both Backup. Where heartbeat paths
// are, a peer that BFD has told so finds us again by them.
func (t *Trunk) judgeLoss(now instant.Time) {
	p := &t.peer
	if !p.hello.PeerLost {
		p.unlost, p.doubtedSince, p.yielded = true, instant.Never, false
		return
	}
	if !p.doubtedSince.IsSet() {
		p.doubtedSince = now
	}
	settled := p.unlost && len(t.cfg.Heartbeats) == 0 || now.Sub(p.doubtedSince) >= t.cfg.HelloInterval
	p.yielded = p.alive && p.hello.Role == DeviceMaster && settled
}

// peerFailTime is what the peer advertised, our own value if it did not.
func (t *Trunk) peerFailTime() time.Duration {
	if t.peer.heard && t.peer.hello.FailTime > 0 {
		return t.peer.hello.FailTime
	}
	return t.cfg.failTime()
}

func (t *Trunk) expirePeer(now instant.Time, fx *Effects) {
	if t.peer.deadline().IsDue(now) {
		t.losePeer(ReasonTimeout, fx)
	}
}

// losePeer takes the peer for lost. Its return must be proven by a new challenge.
func (t *Trunk) losePeer(why DeviceReason, fx *Effects) {
	p := &t.peer
	if !p.alive && p.lost != ReasonInit {
		return
	}
	if p.alive {
		fx.Events = append(fx.Events, Event{Kind: PeerLost, Reason: why})
	}
	p.alive, p.lost, p.running, p.yielded = false, why, false, false
	p.epoch, p.sequence = 0, 0
	t.forgetPaths()
	t.out.challenge = t.nonce()
	fx.Changed = true
}

// peerMember returns what the live peer says of a member. Both devices must name
// each other's number.
func (t *Trunk) peerMember(m *member) (*HelloMember, bool) {
	if !t.peer.alive {
		return nil, false
	}
	members := t.peer.hello.Members
	i := slices.IndexFunc(members, func(h HelloMember) bool {
		return h.ID == m.remote() && h.Remote == m.ID
	})
	if i < 0 {
		return nil, false
	}
	return &members[i], true
}

// sameContent tells whether two hellos of the peer show the same in State.
func sameContent(a, b *Hello) bool {
	return a.Role == b.Role && a.Priority == b.Priority && a.SystemID == b.SystemID && a.FailTime == b.FailTime &&
		a.DeviceID == b.DeviceID && a.Preferred == b.Preferred && a.PeerLost == b.PeerLost &&
		a.LACP == b.LACP && slices.Equal(a.Members, b.Members) && slices.Equal(a.Profiles, b.Profiles)
}
