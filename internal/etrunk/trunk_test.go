package etrunk

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"tandem/internal/instant"
)

func TestElection(t *testing.T) {
	low, high := SystemID{5: 1}, SystemID{5: 2}
	tests := []struct {
		name         string
		pa, pb       uint8
		sa, sb       SystemID
		roleA, roleB DeviceRole
		preferA      bool
	}{
		{"lower priority wins", 10, 20, high, low, DeviceMaster, DeviceBackup, true},
		{"the other way", 20, 10, low, high, DeviceBackup, DeviceMaster, false},
		{"then lower system ID", 10, 10, high, low, DeviceBackup, DeviceMaster, false},
		{"full tie: both Master, lower address preferred", 10, 10, low, low, DeviceMaster, DeviceMaster, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPair(t, func(a, b *Config) {
				a.Priority, b.Priority, a.SystemID, b.SystemID = tt.pa, tt.pb, tt.sa, tt.sb
			})
			p.wantDevice(0, DeviceInit, ReasonInit)
			p.run(10 * time.Millisecond)
			p.wantDevice(0, tt.roleA, ReasonPriority)
			p.wantDevice(1, tt.roleB, ReasonPriority)
			if a, b := p.state(0), p.state(1); a.Preferred != tt.preferA || b.Preferred == tt.preferA {
				t.Errorf("preferred: %v and %v", a.Preferred, b.Preferred)
			}
			p.clearEvents()
			p.run(time.Hour)
			for i, n := range p.nodes {
				if len(n.events) != 0 {
					t.Errorf("device %d in peace: %v", i, n.events)
				}
			}
		})
	}
}

func TestStateTellsOfThePeer(t *testing.T) {
	p := newPair(t, func(a, b *Config) { b.SystemID, b.HelloInterval = SystemID{1}, 2*time.Second })
	p.announce(1, Announcement{Up: true, Ready: true, Covers: Bucket1})
	p.run(time.Second)
	s := p.state(0)
	if !s.PeerAlive || s.PeerRole != DeviceBackup || s.PeerPriority != 20 || s.PeerSystemID != (SystemID{1}) ||
		s.PeerFailTime != 40*time.Second || s.PeerDeviceID != 0xb || !s.KeySet || !s.Revertive {
		t.Errorf("%+v", s)
	}
	m := s.Members[0]
	want := Announcement{Up: true, Ready: true, Role: MemberMaster, Covers: Bucket1,
		Seen: Seen{Known: true, Role: MemberMaster}}
	if !m.PeerKnown || m.Peer != want || m.RemoteID != 10 {
		t.Errorf("%+v", m)
	}
}

func TestTimeout(t *testing.T) {
	p := newPair(t, func(a, b *Config) { a.HelloInterval, a.Multiplier = 500*time.Millisecond, 3 })
	p.run(10 * time.Second)
	p.nodes[0].dead = true
	start := p.now
	for p.state(1).PeerAlive {
		p.run(10 * time.Millisecond)
	}
	// The interval that A has advertised counts, not B's own 20 s. The last hello was up to
	// 0.5 s old.
	if took := p.now.Sub(start); took < time.Second || took > 1510*time.Millisecond {
		t.Errorf("lost after %v", took)
	}
	p.wantDevice(1, DeviceMaster, ReasonTimeout)
	p.boot(0)
	p.run(10 * time.Millisecond)
	p.wantDevice(0, DeviceMaster, ReasonPriority)
	p.wantDevice(1, DeviceBackup, ReasonPriority)
}

func TestAloneFromTheStart(t *testing.T) {
	p := newPair(t, nil)
	p.nodes[1].dead = true
	p.run(20*time.Second - time.Millisecond)
	p.wantDevice(0, DeviceInit, ReasonInit)
	p.run(time.Millisecond)
	p.wantDevice(0, DeviceMaster, ReasonTimeout)
}

func TestRestartIsSeenAtOnce(t *testing.T) {
	p := newPair(t, nil)
	p.run(5 * time.Second)
	p.clearEvents()
	p.boot(0)
	p.run(10 * time.Millisecond)
	if p.nodes[1].count(PeerRestarted) != 1 || p.nodes[1].count(PeerLost) != 0 {
		t.Errorf("events %v", p.nodes[1].events)
	}
	p.wantDevice(0, DeviceMaster, ReasonPriority)
	p.wantDevice(1, DeviceBackup, ReasonPriority)
}

func TestChangeIsSentAtOnceAndRepeatedUntilEchoed(t *testing.T) {
	p := newPair(t, nil)
	p.run(time.Second + 500*time.Millisecond)
	p.announce(0, Announcement{Up: true, Ready: true})
	p.run(2 * wire)
	if m := p.state(1).Members[0]; !m.Peer.Ready {
		t.Error("not told at once")
	}
	n := len(p.nodes[0].sent)
	p.run(400 * time.Millisecond)
	if extra := len(p.nodes[0].sent) - n; extra != 0 {
		t.Errorf("%d hellos more though the change is echoed", extra)
	}
	p.cut()
	p.announce(0, Announcement{Up: true})
	n = len(p.nodes[0].sent)
	p.run(110 * time.Millisecond)
	if extra := len(p.nodes[0].sent) - n; extra != 5 {
		t.Errorf("%d repeats in 110 ms", extra)
	}
	p.heal()
	p.run(30 * time.Millisecond)
	if m := p.state(1).Members[0]; m.Peer.Ready {
		t.Error("not told by a repeat")
	}
	p.cut()
	p.announce(0, Announcement{})
	n = len(p.nodes[0].sent)
	p.run(10 * time.Second)
	if extra := len(p.nodes[0].sent) - n; extra > maxRepeats+10 {
		t.Errorf("%d hellos in 10 s to a silent peer", extra)
	}
}

func TestAnnouncingTheSameSendsNothing(t *testing.T) {
	p := newPair(t, nil)
	p.announce(0, Announcement{Up: true})
	p.run(time.Second + 100*time.Millisecond)
	n := len(p.nodes[0].sent)
	p.announce(0, Announcement{Up: true, Role: MemberMaster})
	if len(p.nodes[0].sent) != n || p.nodes[0].fx.Changed {
		t.Error("an unchanged announcement had effects")
	}
}

func TestLossAndReordering(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	p := newPair(t, nil)
	p.delay = func(int, []byte) (time.Duration, bool) {
		return time.Duration(rng.IntN(60)) * time.Millisecond, rng.IntN(10) >= 3
	}
	p.run(time.Second)
	p.clearEvents()
	for i := range 200 {
		want := Announcement{Up: true, Ready: i%2 == 0, Covers: Buckets(i % 4)}
		p.announce(i%2, want)
		p.run(500 * time.Millisecond)
		if got := p.state(1 - i%2).Members[0].Peer; got.Ready != want.Ready || got.Covers != want.Covers {
			t.Fatalf("change %d: the peer has %+v, want %+v", i, got, want)
		}
	}
	for i, n := range p.nodes {
		if n.count(PeerLost) != 0 {
			t.Errorf("device %d lost its peer", i)
		}
		if n.kept.Counters.Replay == 0 || n.kept.Counters.Replay != n.kept.Counters.RecDrop {
			t.Errorf("device %d: %+v", i, n.kept.Counters)
		}
	}
}

func TestReplayIsNeverBelieved(t *testing.T) {
	p := newPair(t, nil)
	p.run(3 * time.Second)
	p.announce(0, Announcement{Up: true, Ready: true})
	p.run(3*time.Second + 100*time.Millisecond)
	old := p.nodes[0].sent // first of this boot, later of an earlier one
	check := func(when string, alive bool) {
		t.Helper()
		p.clearEvents()
		sent := len(p.nodes[1].sent)
		for _, b := range old {
			_ = p.deliver(1, b)
		}
		if s := p.state(1); s.PeerAlive != alive {
			t.Errorf("%s: peer alive: %v", when, s.PeerAlive)
		}
		if len(p.nodes[1].events) != 0 {
			t.Errorf("%s: %v", when, p.nodes[1].events)
		}
		if n := len(p.nodes[1].sent) - sent; n > 1 {
			t.Errorf("%s: %d answers in one moment", when, n)
		}
	}
	check("same boot", true)
	if c := p.nodes[1].kept.Counters; c.Replay != uint64(len(old)) || c.RecDrop != c.Replay {
		t.Errorf("counters %+v", c)
	}
	p.boot(0)
	p.run(time.Second)
	check("an earlier boot's", true)
	if p.nodes[1].kept.Counters.Challenged < uint64(len(old)) {
		t.Errorf("counters %+v", p.nodes[1].kept.Counters)
	}
	p.nodes[0].dead = true
	p.run(time.Minute)
	old = p.nodes[0].sent
	check("after its death", false)
	p.boot(1)
	p.run(time.Second)
	check("to another boot of ours", false)
}

func TestDrops(t *testing.T) {
	other := netip.MustParseAddr("2001:db8::c")
	tests := []struct {
		name  string
		edit  func(a, b *Config)
		from  netip.Addr
		cause Cause
	}{
		{"wrong key", func(a, _ *Config) { a.Key = []byte("other") }, addrA, CauseBadDigest},
		{"wrong address", nil, other, CauseWrongAddress},
		{"no key here", func(_, b *Config) { b.Key = nil }, addrA, CauseNoKey},
		{"another trunk", func(a, _ *Config) { a.ID = 8 }, addrA, CauseUnknownTrunk},
		{"authentication mode", func(a, _ *Config) { a.AuthMode = HMACSHA256 }, addrA, CauseBadAuthMode},
		{"one device ID twice", func(a, b *Config) { a.DeviceID = b.DeviceID }, addrA, CauseOwnDevice},
		{"sequence on one side", func(a, _ *Config) { a.Sequence = true }, addrA, CauseBadSequence},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPair(t, tt.edit)
			b, c := p.nodes[1], &p.nodes[1].kept.Counters
			err := b.Receive(instant.FromOrigin(0), tt.from, "", p.nodes[0].sent[0], &b.fx)
			var d *DropError
			if !errors.As(err, &d) || d.Cause != tt.cause {
				t.Fatalf("got %v, want %v", err, tt.cause)
			}
			var by Counters
			by.count(tt.cause)
			by.Sent, by.SndDrop = c.Sent, c.SndDrop
			if *c != by {
				t.Errorf("counters %+v, want %+v", *c, by)
			}
			if tt.from == addrA {
				p.run(time.Minute)
				p.wantDevice(0, DeviceMaster, ReasonTimeout)
				p.wantDevice(1, DeviceMaster, ReasonTimeout)
			}
		})
	}
}

func TestReflectedHelloIsDropped(t *testing.T) {
	p := newPair(t, func(a, b *Config) { a.AuthMode, b.AuthMode = HMACSHA256, HMACSHA256 })
	var d *DropError
	if err := p.deliver(0, p.nodes[0].sent[0]); !errors.As(err, &d) || d.Cause != CauseOwnDevice {
		t.Errorf("got %v", err)
	}
}

func TestNoKeyAlarm(t *testing.T) {
	p := newPair(t, func(a, _ *Config) { a.Key = nil })
	p.run(3 * time.Second)
	a := p.nodes[0]
	if a.count(KeyMissing) != 1 || len(a.sent) != 0 || a.kept.Counters.SndDrop == 0 || p.state(0).KeySet {
		t.Errorf("events %v, %d sent, %+v", a.events, len(a.sent), a.kept.Counters)
	}
	p.configure(0, func(c *Config) { c.Key = []byte("key") })
	p.run(10 * time.Millisecond)
	if a.count(KeyPresent) != 1 || !p.state(0).PeerAlive {
		t.Errorf("events %v", a.events)
	}
	p.configure(0, func(c *Config) { c.Key = nil })
	if a.count(KeyMissing) != 2 {
		t.Errorf("events %v", a.events)
	}
}

func TestKeyChangeKeepsRoles(t *testing.T) {
	p := newPair(t, nil)
	p.run(time.Second)
	p.clearEvents()
	for i := range 2 {
		p.configure(i, func(c *Config) { c.Key = []byte("new") })
		p.run(5 * time.Second)
	}
	p.run(100 * time.Millisecond)
	p.wantDevice(0, DeviceMaster, ReasonPriority)
	p.wantDevice(1, DeviceBackup, ReasonPriority)
	for i, n := range p.nodes {
		if n.count(DeviceRoleChanged) != 0 || !p.state(i).PeerAlive {
			t.Errorf("device %d: %v", i, n.events)
		}
	}
}

func TestConfigureRefusesNonsenseAndKeepsTheOld(t *testing.T) {
	edits := map[string]func(*Config){
		"id":         func(c *Config) { c.ID = 0 },
		"priority":   func(c *Config) { c.Priority = 255 },
		"hello":      func(c *Config) { c.HelloInterval = 100 * time.Millisecond },
		"multiplier": func(c *Config) { c.Multiplier = 2 },
		"revert":     func(c *Config) { c.RevertDelay = 2 * time.Hour },
		"addresses":  func(c *Config) { c.Peer = c.Local },
		"twice":      func(c *Config) { c.Members = []MemberConfig{{ID: 1}, {ID: 1, RemoteID: 2}} },
		"remote":     func(c *Config) { c.Members = []MemberConfig{{ID: 1}, {ID: 2, RemoteID: 1}} },
		"members":    func(c *Config) { c.Members = make([]MemberConfig, 60) },
	}
	p := newPair(t, nil)
	p.run(time.Second)
	for name, edit := range edits {
		c, fx := p.nodes[0].cfg, Effects{}
		edit(&c)
		if err := p.nodes[0].Configure(p.now, c, &fx); err == nil {
			t.Errorf("%s was taken", name)
		}
		if fx.Changed || len(fx.Packets) != 0 {
			t.Errorf("%s had effects", name)
		}
	}
	p.wantDevice(0, DeviceMaster, ReasonPriority)
}

func TestPriorityChangeSwapsRoles(t *testing.T) {
	p := newPair(t, nil)
	p.run(time.Second)
	p.configure(1, func(c *Config) { c.Priority = 5 })
	p.run(10 * time.Millisecond)
	p.wantDevice(0, DeviceBackup, ReasonPriority)
	p.wantDevice(1, DeviceMaster, ReasonPriority)
	if p.state(0).Preferred || !p.state(1).Preferred {
		t.Error("preference did not follow")
	}
}

func TestEarlyAndLateCallsAreHarmless(t *testing.T) {
	p := newPair(t, nil)
	p.run(time.Second + 300*time.Millisecond)
	n := len(p.nodes[0].sent)
	for range 100 {
		p.do(0, func(n *node) { n.Advance(p.now, &n.fx) })
	}
	if len(p.nodes[0].sent) != n {
		t.Error("an early Advance sent")
	}
	if New(rand.New(rand.NewPCG(1, 1))).Deadline().IsSet() {
		t.Error("a deadline before Configure")
	}
}

// FuzzTrunk lets the fuzzer choose inputs and faults. Nothing panics, a deadline moves on
// after Advance, and the devices agree when the network works again.
func FuzzTrunk(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13})
	f.Add([]byte{12, 130, 4, 60, 5, 61, 12, 200, 8, 9, 240})
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 60 {
			return
		}
		p := newPair(t, func(a, b *Config) {
			a.RevertDelay, b.RevertDelay = 3*time.Second, 3*time.Second
			a.Members[0].Mode, b.Members[0].Mode = Auto, Auto
		})
		for _, op := range script {
			p.fuzzStep(int(op&1), op>>1)
		}
		p.heal()
		for i := range 2 {
			if p.nodes[i].dead {
				p.boot(i)
			}
			p.bfd(i, BFDUp)
			p.announce(i, Announcement{Up: true, Ready: true})
		}
		p.run(time.Minute)
		p.wantDevice(0, DeviceMaster, ReasonPriority)
		p.wantDevice(1, DeviceBackup, ReasonPriority)
		p.wantMember(0, MemberMaster, p.state(0).Members[0].Reason)
		p.wantMember(1, MemberBackup, ReasonPeerMemberUp)
	})
}

func (p *pair) fuzzStep(i int, op byte) {
	switch op % 10 {
	case 0, 1, 2, 3:
		p.announce(i, Announcement{Up: op&1 != 0, Ready: op&2 != 0, Covers: Buckets(op>>4) & AllBuckets})
	case 4:
		p.bfd(i, BFDState(op>>4)%4)
	case 5:
		p.nodes[i].dead = true
	case 6:
		p.boot(i)
	case 7:
		p.cut()
	case 8:
		p.heal()
	case 9:
		p.run(time.Duration(op>>4) * 2 * time.Second)
	}
	p.run(time.Duration(op) * time.Millisecond)
}

// A member that is added does not demote members that serve.
func TestAddedMemberDemotesNothing(t *testing.T) {
	p := newPair(t, nil)
	for i := range p.nodes {
		p.announce(i, Announcement{Up: true, Ready: true})
	}
	p.run(5 * time.Second)
	before := [2]State{p.state(0), p.state(1)}
	p.clearEvents()
	for i := range p.nodes {
		p.configure(i, func(c *Config) { c.Members = append(c.Members, MemberConfig{ID: 77, Mode: ForceMaster}) })
		p.run(time.Second)
	}
	for i := range p.nodes {
		was, is := before[i].Members[0], p.state(i).Members[0]
		if is.Role != was.Role || is.Reason != was.Reason || !is.Peer.Ready || p.state(i).Role != before[i].Role {
			t.Errorf("device %d: member %+v, before %+v", i, is, was)
		}
		if n := p.nodes[i].count(PeerLost); n > 0 {
			t.Errorf("device %d lost its peer", i)
		}
	}
}
