package etrunk

import (
	"bytes"
	"net/netip"
	"testing"
	"time"
)

var heartbeatA = Path{Local: netip.MustParseAddr("2001:db8:1::a"), Peer: netip.MustParseAddr("2001:db8:1::b"), VPN: "mgmt"}

// newHeartbeatPair returns a pair with a heartbeat path besides the primary path.
func newHeartbeatPair(t *testing.T, edit func(a, b *Config)) *pair {
	p := newPair(t, func(a, b *Config) {
		a.Heartbeats = []Path{heartbeatA}
		b.Heartbeats = []Path{{Local: heartbeatA.Peer, Peer: heartbeatA.Local, VPN: heartbeatA.VPN}}
		a.BFDSession, b.BFDSession = "core", "core"
		if edit != nil {
			edit(a, b)
		}
	})
	p.bothBFD(BFDUp)
	p.run(3*time.Second + 500*time.Millisecond)
	p.clearEvents()
	return p
}

func (p *pair) bothBFD(s BFDState) {
	p.bfd(0, s)
	p.bfd(1, s)
}

// cutPath cuts a path, 0 for the primary one. It cuts only the directions in which the
// given devices send.
func (p *pair) cutPath(path int, from ...int) {
	p.dead = map[direction]bool{}
	for _, i := range from {
		p.dead[direction{i, path}] = true
	}
}

// wantPaths checks which paths of a device are up.
func (p *pair) wantPaths(i int, up ...bool) {
	p.t.Helper()
	for k, path := range p.state(i).Paths {
		if path.Up != up[k] || path.Lost == up[k] {
			p.t.Errorf("at %v device %d: path %d up %v, lost %v", p.now, i, k, path.Up, path.Lost)
		}
	}
}

func (p *pair) wantAlive(when string, alive ...bool) {
	p.t.Helper()
	for i, want := range alive {
		if got := p.state(i).PeerAlive; got != want {
			p.t.Errorf("%s: at %v device %d holds its peer for alive: %v", when, p.now, i, got)
		}
	}
}

func TestHelloGoesByEveryPath(t *testing.T) {
	p := newHeartbeatPair(t, nil)
	p.run(time.Minute)
	for i, n := range p.nodes {
		c := n.kept.Counters
		if c.Duplicate == 0 || c.Duplicate*2 > c.Received || c.RecDrop != 0 || c.Sent != 2*uint64(len(n.sent)) {
			t.Errorf("device %d: %+v", i, c)
		}
		for k, path := range p.state(i).Paths {
			if path.Counters.Received < 60 || path.Counters.Sent != uint64(len(n.sent)) || path.Heard > time.Second || path.For < time.Minute {
				t.Errorf("device %d, path %d: %+v", i, k, path)
			}
		}
		if len(n.events) != 0 {
			t.Errorf("device %d: %v", i, n.events)
		}
		p.wantPaths(i, true, true)
	}
}

// While the primary path is cut, the roles do not change, whatever BFD reports. A dead peer
// is still detected.
func TestPrimaryPathCut(t *testing.T) {
	for _, c := range []struct {
		name string
		cut  []int
		bfd  bool
	}{
		{"both ways", []int{0, 1}, true},
		{"to the peer", []int{0}, true},
		{"from the peer", []int{1}, true},
		{"both ways, without BFD", []int{0, 1}, false},
		{"to the peer, without BFD", []int{0}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newHeartbeatPair(t, nil)
			p.cutPath(0, c.cut...)
			if c.bfd {
				p.bfd(1, BFDDown)
				p.wantAlive("as BFD goes Down", true, false)
				p.run(10 * time.Millisecond)
				p.bfd(0, BFDDown)
			}
			p.run(20 * time.Millisecond)
			p.wantAlive("soon after the cut", true, true)
			p.wantDevice(0, DeviceMaster, ReasonPriority)
			p.wantDevice(1, DeviceBackup, ReasonPriority)
			p.clearEvents()
			p.run(10 * time.Minute)
			for i, n := range p.nodes {
				if len(n.events) != 0 {
					t.Errorf("device %d during the cut: %v", i, n.events)
				}
				p.wantPaths(i, len(c.cut) < 2 && c.cut[0] == i, true)
			}
			p.nodes[0].dead = true
			if c.bfd {
				p.run(1100 * time.Millisecond)
			} else {
				p.run(21 * time.Second)
			}
			p.wantAlive("after its death", true, false)
		})
	}
}

func TestPrimaryPathHeals(t *testing.T) {
	p := newHeartbeatPair(t, nil)
	p.cutPath(0, 0, 1)
	p.bothBFD(BFDDown)
	p.run(time.Minute)
	if s := p.state(0); s.PeerFailTime != standInFailTime || s.FailTime != 20*time.Second {
		t.Errorf("fail time %v, the peer's %v", s.FailTime, s.PeerFailTime)
	}
	p.clearEvents()
	p.cutPath(0)
	p.bothBFD(BFDUp)
	p.run(2 * time.Second)
	for i, n := range p.nodes {
		if len(n.events) != 0 || p.state(i).PeerFailTime != 20*time.Second {
			t.Errorf("device %d: %v, the peer's fail time is %v", i, n.events, p.state(i).PeerFailTime)
		}
		p.wantPaths(i, true, true)
	}
}

// TestDelayedHelloDoesNotRevive: a late hello on the heartbeat path does not make a dead
// peer alive.
func TestDelayedHelloDoesNotRevive(t *testing.T) {
	p := newHeartbeatPair(t, nil)
	p.delay = func(int, []byte) (time.Duration, bool) { return 300 * time.Millisecond, true }
	for range 5 {
		p.announce(1, Announcement{Up: true, Ready: !p.nodes[1].says.Ready})
		p.run(50 * time.Millisecond)
	}
	p.nodes[1].dead = true
	p.bfd(0, BFDDown)
	before := p.nodes[0].kept.Counters.Challenged
	p.run(10 * time.Second)
	if p.nodes[0].kept.Counters.Challenged == before {
		t.Error("nothing was under way")
	}
	p.wantAlive("after the death of the peer", false)
	if n := p.nodes[0].count(PeerFound); n != 0 {
		t.Errorf("found %d times", n)
	}
}

// TestPathThatIsHeardOneWayOnly: a heartbeat path that works in one direction only does not
// keep the peer alive.
func TestPathThatIsHeardOneWayOnly(t *testing.T) {
	p := newHeartbeatPair(t, nil)
	p.cutPath(0, 0, 1)
	p.dead[direction{0, 1}] = true
	p.bothBFD(BFDDown)
	p.run(time.Minute)
	p.wantAlive("for good", false, false)
}

// Copies of a hello have their own counter. A replay on another path is refused.
func TestReplayByAnotherPath(t *testing.T) {
	p := newHeartbeatPair(t, nil)
	p.cutPath(1, 0, 1)
	n := len(p.nodes[0].sent)
	p.run(time.Minute)
	old := p.nodes[0].sent[n : len(p.nodes[0].sent)-3]
	before := p.nodes[1].kept.Counters
	p.wantPaths(1, true, false)
	for _, b := range old {
		if p.deliverBy(1, 1, b) == nil {
			t.Fatal("a hello of long ago was taken")
		}
	}
	c := p.nodes[1].kept.Counters
	if int(c.Replay-before.Replay) != len(old) || c.Duplicate != before.Duplicate || c.Received != before.Received {
		t.Errorf("%+v, before %+v", c, before)
	}
	p.wantPaths(1, true, false)
	last := p.nodes[0].sent[len(p.nodes[0].sent)-1]
	if err := p.deliverBy(1, 1, last); err != nil || p.nodes[1].kept.Counters.Duplicate != before.Duplicate+1 {
		t.Errorf("the last hello by the other path: %v", err)
	}
	if p.deliverBy(1, 1, last) == nil {
		t.Error("the same by the same path was taken")
	}
	p.wantPaths(1, true, true)
}

// TestSlowHeartbeatPath: hellos of a slow path are not counted as replays, and the path
// does not go down.
func TestSlowHeartbeatPath(t *testing.T) {
	p := newHeartbeatPair(t, nil)
	slow := 0
	p.delay = func(int, []byte) (time.Duration, bool) {
		if slow++; slow%2 == 0 { // every second hello is on the heartbeat path
			return 400 * time.Millisecond, true
		}
		return wire, true
	}
	for i := range 100 {
		p.announce(i%2, Announcement{Up: true, Ready: i%4 < 2})
		p.run(70 * time.Millisecond)
		for k := range p.nodes {
			if s := p.state(k); s.Paths[1].Lost || s.Counters.Replay > 0 {
				t.Fatalf("device %d: %+v, %+v", k, s.Paths[1], s.Counters)
			}
		}
	}
}

func TestHeartbeatPathLost(t *testing.T) {
	p := newHeartbeatPair(t, nil)
	p.cutPath(1, 1)
	p.run(5 * time.Second)
	p.wantPaths(0, true, false)
	p.wantPaths(1, true, true)
	if s := p.state(0).Paths[1]; s.Heard < 4*time.Second || s.For > 3*time.Second {
		t.Errorf("%+v", s)
	}
	p.cutPath(1)
	p.run(time.Second + 2*wire)
	p.wantPaths(0, true, true)
	for i, n := range p.nodes {
		if len(n.events) != 0 {
			t.Errorf("device %d: %v", i, n.events)
		}
	}
}

// TestPeerWithoutHeartbeatPaths: an earlier release has only one path.
func TestPeerWithoutHeartbeatPaths(t *testing.T) {
	p := newHeartbeatPair(t, func(_, b *Config) { b.Heartbeats = nil })
	p.run(10 * time.Second)
	p.wantAlive("for good", true, true)
	p.wantPaths(0, true, false)
	if s := p.state(0).Paths[1]; s.Heard >= 0 || s.Counters.Sent == 0 || s.Counters.Received != 0 {
		t.Errorf("%+v", s)
	}
	if c := p.nodes[1].kept.Counters; c.WrongAddress == 0 || c.WrongAddress != c.RecDrop {
		t.Errorf("%+v", c)
	}
}

// TestPrimaryPathCutMovesNoLeg: in auto mode the leg must not move, although BFD goes Down
// a moment earlier on one device.
func TestPrimaryPathCutMovesNoLeg(t *testing.T) {
	for first := range 2 {
		p := newHeartbeatPair(t, func(a, b *Config) {
			a.Members[0].Mode = Auto
			b.Members = []MemberConfig{{ID: 10, Mode: Auto}}
		})
		for i := range 2 {
			p.announce(i, Announcement{Up: true, Ready: true, Covers: AllBuckets})
		}
		p.run(time.Second)
		p.wantMember(0, MemberMaster, ReasonPeerMemberDown)
		p.clearEvents()
		p.cutPath(0, 0, 1)
		p.bfd(first, BFDDown)
		p.run(10 * time.Millisecond)
		p.bfd(1-first, BFDDown)
		p.run(100 * time.Millisecond)
		for _, e := range p.nodes[0].events {
			if e.Kind == MemberRoleChanged && e.MemberRole == MemberBackup {
				t.Errorf("the preferred device gave its leg away: %v", p.nodes[0].events)
			}
		}
		if s := p.state(1).Members[0]; s.Role != MemberBackup {
			t.Errorf("the other device kept its leg: %+v", s)
		}
	}
}

// TestOneHelloForAllPaths: the same bytes are sent on every path. The key is derived from
// the primary addresses.
func TestOneHelloForAllPaths(t *testing.T) {
	p := newHeartbeatPair(t, nil)
	b := p.nodes[0].sent[len(p.nodes[0].sent)-1]
	key, err := NewKey(EnhancedHMACSHA256, []byte("key"), 7, addrA, addrB)
	if err != nil || !key.verify(b) {
		t.Errorf("not signed with the key of the primary addresses, %v", err)
	}
}

func TestPathsSurviveAPlannedRestart(t *testing.T) {
	p := newHeartbeatPair(t, nil)
	n, copied := p.nodes[1], []byte(nil)
	before := n.Session()
	copied = bytes.Clone(p.nodes[0].sent[len(p.nodes[0].sent)-1])
	successor := New(n.rng)
	n.fx.Reset()
	if err := successor.Resume(p.now, 0, n.cfg, before, &n.fx); err != nil {
		t.Fatal(err)
	}
	n.Trunk = successor
	p.wantPaths(1, true, true)
	for path := range n.cfg.Paths() {
		if p.deliverBy(1, path, copied) == nil {
			t.Errorf("path %d: a hello was taken again", path)
		}
	}
	p.run(time.Minute)
	p.wantPaths(1, true, true)
	if n.kept.Counters.Sent <= before.Kept.Counters.Sent || n.kept.Paths[1].Counters.Sent <= before.Kept.Paths[1].Counters.Sent {
		t.Errorf("%+v, before %+v", n.kept.Counters, before.Kept.Counters)
	}
}

func TestClashingPaths(t *testing.T) {
	base := DefaultConfig()
	base.ID, base.Local, base.Peer = 1, addrA, addrB
	far := netip.MustParseAddr("2001:db8:2::a")
	for _, h := range []Path{{addrA, addrB, ""}, {addrA, far, ""}, {far, addrB, ""}, {addrB, far, ""}, {heartbeatA.Local, heartbeatA.Local, "mgmt"}} {
		cfg := base
		cfg.Heartbeats = []Path{heartbeatA, h}
		if cfg.Validate() == nil {
			t.Errorf("%v was taken", h)
		}
	}
	base.Heartbeats = []Path{heartbeatA, {addrA, addrB, "mgmt"}}
	if err := base.Validate(); err != nil {
		t.Error(err)
	}
	base.Heartbeats = make([]Path, MaxHeartbeats+1)
	if base.Validate() == nil {
		t.Error("one path too many was taken")
	}
}
