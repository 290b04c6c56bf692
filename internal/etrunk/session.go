package etrunk

import (
	"bytes"
	"slices"
	"time"

	"tandem/internal/instant"
)

// Session is what the two devices know of each other on an E-Trunk: everything
// that a daemon must hand on to the one that takes its place so that the peer does
// not notice. Times are of the clock that the Trunk was told.
type Session struct {
	Epoch, Sequence, Challenge uint64
	Change                     uint32
	Said                       []byte // what Change numbers
	Known, Now                 bool
	Repeats                    int
	Last, Due                  instant.Time
	Role                       DeviceRole
	Reason                     DeviceReason
	BFD                        BFDState
	Members                    []MemberSession
	Paths                      []PathSession
	Peer                       PeerSession
	Counters                   Counters
}

// MemberSession is a member's part of a Session.
type MemberSession struct {
	ID     uint32
	Local  Announcement
	Reason MemberReason
	// The leg is left to the peer, or may be.
	Held, Over, Asked, Yielding, Fell, Served bool
	Until, YieldAt                            instant.Time
}

// PeerSession is the peer's part of a Session.
type PeerSession struct {
	Alive, Heard, Unlost, Yielded bool
	DoubtedSince                  instant.Time
	Hello                         Hello
	Epoch, Sequence, Candidate    uint64
	Copies                        copyWindow
	Lost                          DeviceReason
	Expires, AnswerAt, AliveSince instant.Time
	Run, RunLast                  instant.Time
	Running                       bool
}

// Session returns what a successor needs to go on.
func (t *Trunk) Session() Session {
	o, p := &t.out, &t.peer
	s := Session{
		Epoch: o.epoch, Sequence: o.sequence, Challenge: o.challenge, Change: o.change,
		Said: bytes.Clone(o.said), Known: o.known, Now: o.now, Repeats: o.repeats, Last: o.last, Due: o.due,
		Role: t.role, Reason: t.reason, BFD: t.bfd, Counters: t.counters, Paths: slices.Clone(t.paths),
		Peer: PeerSession{
			Alive: p.alive, Heard: p.heard, Unlost: p.unlost, DoubtedSince: p.doubtedSince, Yielded: p.yielded, Hello: p.hello,
			Epoch: p.epoch, Sequence: p.sequence, Copies: p.copies, Candidate: p.candidate, Lost: p.lost,
			Expires: p.expires, AnswerAt: p.answerAt, AliveSince: p.aliveSince,
			Run: p.run, RunLast: p.runLast, Running: p.running,
		},
	}
	for _, m := range t.members {
		r := &m.revert
		s.Members = append(s.Members, MemberSession{
			ID: m.ID, Local: m.local, Reason: m.reason, Held: r.held, Over: r.over, Asked: r.asked, Yielding: r.yielding,
			Fell: r.fell, Served: r.served, Until: r.until, YieldAt: r.yieldAt,
		})
	}
	return s
}

// Resume is the first Configure of a Trunk that takes the place of another with the same
// configuration. Roles stay, and so does the peer's belief. The pause in between, in
// which nobody has listened, does not count against the peer.
func (t *Trunk) Resume(now instant.Time, pause time.Duration, cfg Config, s Session, fx *Effects) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	cfg = cfg.clone()
	send, recv, err := keys(cfg)
	if err != nil {
		return err
	}
	t.cfg, t.sendKey, t.recvKey, t.configured = cfg, send, recv, true
	t.setMembers(cfg.Members)
	t.paths = s.Paths
	t.setPaths(now)
	t.role, t.reason, t.bfd, t.counters = s.Role, s.Reason, s.BFD, s.Counters
	t.out = outgoing{
		epoch: s.Epoch, sequence: s.Sequence, challenge: s.Challenge, change: s.Change,
		said: bytes.Clone(s.Said), known: s.Known, now: s.Now, repeats: s.Repeats, last: s.Last, due: s.Due,
	}
	t.peer = peer{
		alive: s.Peer.Alive, heard: s.Peer.Heard, unlost: s.Peer.Unlost, doubtedSince: s.Peer.DoubtedSince, yielded: s.Peer.Yielded, hello: s.Peer.Hello,
		epoch: s.Peer.Epoch, sequence: s.Peer.Sequence, copies: s.Peer.Copies, candidate: s.Peer.Candidate, lost: s.Peer.Lost,
		expires: s.Peer.Expires.Add(pause), answerAt: s.Peer.AnswerAt, aliveSince: s.Peer.AliveSince,
		run: s.Peer.Run, runLast: s.Peer.RunLast, running: s.Peer.Running,
	}
	for _, ms := range s.Members {
		if m := t.member(ms.ID); m != nil {
			m.local, m.reason = ms.Local, ms.Reason
			m.revert = revert{held: ms.Held, over: ms.Over, asked: ms.Asked, yielding: ms.Yielding, fell: ms.Fell, served: ms.Served, until: ms.Until, yieldAt: ms.YieldAt}
		}
	}
	fx.Changed = true
	t.settle(now, fx)
	return nil
}
