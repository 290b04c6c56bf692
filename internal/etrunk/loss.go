package etrunk

import (
	"time"

	"tandem/internal/instant"
)

// The peer is lost when no hello has come for the fail time, or when BFD goes Down. After
// that the peer must answer a new challenge to prove that it is alive. A device also
// becomes Backup when the peer has declared it lost and is Master, although the peer's
// hellos still arrive.

// revive makes a lost peer alive again, if mayRevive permits it.
func (t *Trunk) revive(now instant.Time, path *PathSession, fx *Effects) {
	p := &t.kept.Peer
	if p.Alive || !t.mayRevive(now, path) {
		return
	}
	p.Alive, p.AliveSince, p.Running = true, now, false
	p.Unlost, p.DoubtedSince, p.Yielded = false, instant.Never, false
	fx.Changed = true
	fx.Events = append(fx.Events, Event{Kind: PeerFound})
}

// mayRevive reports whether a hello on a path makes the peer alive again. BFD watches the
// primary path. After BFD went Down, hellos on that path revive the peer only if they
// have arrived without a gap for the fail time. So a path that loses packets does not
// count as good, and a broken BFD session does not separate the devices for ever. On
// another path one hello is enough, because it answers a challenge that this device drew
// when BFD went Down.
func (t *Trunk) mayRevive(now instant.Time, path *PathSession) bool {
	p := &t.kept.Peer
	if t.kept.BFD != BFDDown || t.isHeartbeat(path) {
		return true
	}
	fail := t.peerFailTime()
	if !p.Running || now.Sub(p.RunLast) > fail/2 {
		p.Running, p.Run = true, now
	}
	p.RunLast = now
	return now.Sub(p.Run) >= fail
}

// judgeLoss decides whether this device becomes Backup because the peer has declared it
// lost, although the peer's hellos arrive (PEER_TIMEOUT). Right after an interruption
// each device announces that it has lost the other, until the next hello. This must not
// make both Backup. If there are heartbeat paths, a peer that lost this device by BFD
// finds it again on them.
func (t *Trunk) judgeLoss(now instant.Time) {
	p := &t.kept.Peer
	if !p.Hello.PeerLost {
		p.Unlost, p.DoubtedSince, p.Yielded = true, instant.Never, false
		return
	}
	if !p.DoubtedSince.IsSet() {
		p.DoubtedSince = now
	}
	settled := p.Unlost && len(t.cfg.Heartbeats) == 0 || now.Sub(p.DoubtedSince) >= t.cfg.HelloInterval
	p.Yielded = p.Alive && p.Hello.Role == DeviceMaster && settled
}

// peerFailTime returns the fail time that the peer has advertised, or the local one
// before any hello of the peer.
func (t *Trunk) peerFailTime() time.Duration {
	if t.kept.Peer.Heard && t.kept.Peer.Hello.FailTime > 0 {
		return t.kept.Peer.Hello.FailTime
	}
	return t.cfg.failTime()
}

func (t *Trunk) expirePeer(now instant.Time, fx *Effects) {
	if t.kept.Peer.deadline().IsDue(now) {
		t.losePeer(ReasonTimeout, fx)
	}
}

// losePeer declares the peer lost. The peer has to answer a new challenge when it
// returns.
func (t *Trunk) losePeer(why DeviceReason, fx *Effects) {
	p := &t.kept.Peer
	if !p.Alive && p.Lost != ReasonInit {
		return
	}
	if p.Alive {
		fx.Events = append(fx.Events, Event{Kind: PeerLost, Reason: why})
	}
	p.Alive, p.Lost, p.Running, p.Yielded = false, why, false, false
	p.Epoch, p.Sequence = 0, 0
	t.forgetPaths()
	t.kept.Out.Challenge = t.nonce()
	fx.Changed = true
}
