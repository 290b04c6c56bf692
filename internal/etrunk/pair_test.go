package etrunk

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tandem/internal/instant"
)

// pair is two E-Trunks on virtual time with a network between them.
type pair struct {
	t     *testing.T
	now   instant.Time
	nodes [2]*node
	// flight is the datagrams on their way, in the order of sending.
	flight []datagram
	delay  func(from int, b []byte) (time.Duration, bool) // delay of a datagram; false means that it is lost
	dead   map[direction]bool
	seed   uint64
}

type node struct {
	*Trunk
	cfg    Config
	fx     Effects
	events []Event
	sent   [][]byte
	dead   bool
	says   Announcement // the announcement for every member
	random *rand.PCG    // random source of its Trunk, for tests that restart it
}

type datagram struct {
	at   instant.Time
	to   int
	path int // 0 for the primary path
	b    []byte
}

// direction is a path together with the device that sends on it.
type direction struct{ from, path int }

const wire = time.Millisecond

// newPair connects two configured E-Trunks. edit may change the configurations before they
// start.
func newPair(t *testing.T, edit func(a, b *Config)) *pair {
	p := &pair{t: t, now: instant.FromOrigin(0), seed: 1, delay: func(int, []byte) (time.Duration, bool) { return wire, true }}
	a, b := DefaultConfig(), DefaultConfig()
	a.ID, b.ID = 7, 7
	a.Priority, b.Priority = 10, 20
	a.DeviceID, b.DeviceID = 0xa, 0xb
	a.Key, b.Key = []byte("key"), []byte("key")
	a.Local, a.Peer, b.Local, b.Peer = addrA, addrB, addrB, addrA
	a.Members = []MemberConfig{{ID: 10, Mode: ForceMaster}}
	b.Members = slices.Clone(a.Members)
	if edit != nil {
		edit(&a, &b)
	}
	for i, c := range []Config{a, b} {
		p.nodes[i] = &node{cfg: c}
		p.boot(i)
	}
	return p
}

// boot restarts a device: it has a new epoch and no memory.
func (p *pair) boot(i int) {
	p.t.Helper()
	p.seed++
	n := p.nodes[i]
	n.Trunk, n.dead = New(rand.New(rand.NewPCG(p.seed, 0))), false
	p.do(i, func(n *node) {
		if err := n.Configure(p.now, n.cfg, &n.fx); err != nil {
			p.t.Fatal(err)
		}
	})
}

// do gives a device an input and carries out the effects.
func (p *pair) do(i int, f func(*node)) {
	n := p.nodes[i]
	n.fx.Reset()
	f(n)
	if slices.ContainsFunc(n.fx.Events, func(e Event) bool { return e.Kind == MemberRoleChanged }) {
		p.announceAll(n) // as a device does, because its readiness depends on the role
	}
	n.events = append(n.events, n.fx.Events...)
	for _, b := range n.fx.Packets {
		n.sent = append(n.sent, b)
		for path := range n.cfg.Paths() {
			if d, ok := p.delay(i, b); ok && !p.dead[direction{i, path}] {
				p.flight = append(p.flight, datagram{p.now.Add(d), 1 - i, path, b})
			}
		}
	}
}

func (p *pair) announce(i int, a Announcement) {
	p.nodes[i].says = a
	p.do(i, func(n *node) { p.announceAll(n) })
}

func (p *pair) announceAll(n *node) {
	for _, m := range n.cfg.Members {
		n.Announce(p.now, m.ID, n.says, &n.fx)
	}
}

func (p *pair) configure(i int, edit func(*Config)) {
	p.t.Helper()
	edit(&p.nodes[i].cfg)
	p.do(i, func(n *node) {
		if err := n.Configure(p.now, n.cfg, &n.fx); err != nil {
			p.t.Fatal(err)
		}
	})
}

func (p *pair) bfd(i int, s BFDState) {
	p.do(i, func(n *node) { n.SetBFD(p.now, s, &n.fx) })
}

// run advances virtual time.
func (p *pair) run(d time.Duration) {
	end := p.now.Add(d)
	for {
		at, what := p.next()
		if !at.IsDue(end) {
			break
		}
		p.now = max(p.now, at)
		what()
	}
	p.now = end
}

// next returns the next thing to happen: the arrival of a datagram, or a deadline.
func (p *pair) next() (instant.Time, func()) {
	at, what := instant.Never, func() {}
	for i, n := range p.nodes {
		if d := n.Deadline(); !n.dead && d.IsSet() && !at.IsDue(d) {
			at, what = d, func() { p.do(i, func(n *node) { n.Advance(p.now, &n.fx) }) }
		}
	}
	for k, d := range p.flight {
		if !at.IsDue(d.at) {
			at, what = d.at, func() {
				p.flight = slices.Delete(p.flight, k, k+1)
				p.deliverBy(d.to, d.path, d.b)
			}
		}
	}
	return at, what
}

// deliver delivers a hello on the primary path.
func (p *pair) deliver(i int, b []byte) error { return p.deliverBy(i, 0, b) }

func (p *pair) deliverBy(i, path int, b []byte) error {
	var err error
	if n := p.nodes[i]; !n.dead {
		by := p.nodes[1-i].cfg.Paths()[path]
		p.do(i, func(n *node) { err = n.Receive(p.now, by.Local, by.VPN, b, &n.fx) })
	}
	return err
}

func (p *pair) state(i int) State { return p.nodes[i].State(p.now) }

func (p *pair) cut()  { p.delay = func(int, []byte) (time.Duration, bool) { return 0, false } }
func (p *pair) heal() { p.delay = func(int, []byte) (time.Duration, bool) { return wire, true } }

// wantDevice checks a device's role and reason.
func (p *pair) wantDevice(i int, role DeviceRole, reason DeviceReason) {
	p.t.Helper()
	if s := p.state(i); s.Role != role || s.Reason != reason {
		p.t.Errorf("at %v device %d is %v (%v), want %v (%v)", p.now, i, s.Role, s.Reason, role, reason)
	}
}

// wantMember checks the first member's role and reason.
func (p *pair) wantMember(i int, role MemberRole, reason MemberReason) {
	p.t.Helper()
	if m := p.state(i).Members[0]; m.Role != role || m.Reason != reason {
		p.t.Errorf("at %v member of device %d is %v (%v), want %v (%v)", p.now, i, m.Role, m.Reason, role, reason)
	}
}

// wantServing checks that the member of one device has the leg, and that the other device
// has received that.
func (p *pair) wantServing(i int) {
	p.t.Helper()
	p.wantMember(i, MemberMaster, ReasonPeerMemberDown)
	p.wantMember(1-i, MemberBackup, ReasonPeerMemberUp)
}

// clearEvents forgets the events so far.
func (p *pair) clearEvents() {
	for _, n := range p.nodes {
		n.events = nil
	}
}

func (n *node) count(kind EventKind) (c int) {
	for _, e := range n.events {
		if e.Kind == kind {
			c++
		}
	}
	return c
}
