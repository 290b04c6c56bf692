package etrunk

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"tandem/internal/resumetest"
)

// TestSessionIsWhole: the session for a successor contains all state of a Trunk that
// outlives an event.
func TestSessionIsWhole(t *testing.T) {
	resumetest.Fields(t, reflect.TypeFor[Trunk](), []string{"kept", "members"}, map[string]string{
		"rng": "is given, with its state", "cfg": "is given", "configured": "it is", "sendKey": "follows from cfg",
		"recvKey": "follows from cfg", "scratch": "scratch",
	})
	resumetest.Fields(t, reflect.TypeFor[member](), []string{"MemberKept"}, map[string]string{"MemberConfig": "is given"})
	resumetest.Survives(t, Session{})
}

// TestTrunkAfterRestarts runs the same events on two pairs. In one of them, a device is
// replaced from time to time by one with its session. Both pairs must send and report the
// same.
func TestTrunkAfterRestarts(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 9))
		mode := MemberMode(rng.IntN(2))
		var pairs [2]*pair
		for i := range pairs {
			pairs[i] = newPair(t, func(a, b *Config) {
				a.Members[0].Mode, b.Members[0].Mode = mode, mode
				a.BFDSession, b.BFDSession = "core", "core"
				a.RevertDelay = 3 * time.Second
				if seed%2 == 0 {
					a.Heartbeats, b.Heartbeats = []Path{heartbeatA}, []Path{{Local: heartbeatA.Peer, Peer: heartbeatA.Local, VPN: heartbeatA.VPN}}
				}
			})
			pairs[i].reseed(0, seed)
		}
		for range 100 {
			what := pairStep(rng)
			for _, p := range pairs {
				what.do(p)
			}
			for range rng.IntN(2) {
				pairs[1].succeed(0, seed)
			}
			for i := range 2 {
				a, b := pairs[0].nodes[i], pairs[1].nodes[i]
				if !reflect.DeepEqual(a.sent, b.sent) || !reflect.DeepEqual(a.events, b.events) || !reflect.DeepEqual(pairs[0].state(i), pairs[1].state(i)) {
					t.Fatalf("seed %d, at %v, after %s: device %d\n%+v, %d sent, %v,\nwhere one is restarted\n%+v, %d sent, %v",
						seed, pairs[0].now, what.name, i, pairs[0].state(i), len(a.sent), a.events, pairs[1].state(i), len(b.sent), b.events)
				}
			}
		}
	}
}

// reseed gives a device a random source whose state the test knows.
func (p *pair) reseed(i int, seed uint64) {
	p.nodes[i].random = rand.NewPCG(seed, 8)
	p.nodes[i].rng = rand.New(p.nodes[i].random)
}

// succeed replaces a device by one with its session.
func (p *pair) succeed(i int, seed uint64) {
	n := p.nodes[i]
	before, drawn := n.Trunk, *n.random
	n.random = rand.NewPCG(seed, 8)
	n.Trunk = New(rand.New(n.random))
	*n.random = drawn
	p.do(i, func(n *node) {
		if err := n.Resume(p.now, 0, n.cfg, before.Session(), &n.fx); err != nil {
			p.t.Fatal(err)
		}
	})
}

// step is one event of a pair.
type step struct {
	name string
	do   func(p *pair)
}

func pairStep(rng *rand.Rand) step {
	i := rng.IntN(2)
	switch n := rng.IntN(100); {
	case n < 8:
		return step{"the wire is cut", (*pair).cut}
	case n < 20:
		return step{"the wire is whole", (*pair).heal}
	case n < 35:
		s := BFDState(1 + rng.IntN(3))
		return step{fmt.Sprint("BFD ", s), func(p *pair) { p.bfd(i, s) }}
	case n < 55:
		a := Announcement{Up: rng.IntN(4) > 0, Ready: rng.IntN(2) == 0, Covers: Buckets(rng.IntN(4))}
		return step{fmt.Sprintf("%+v", a), func(p *pair) { p.announce(i, a) }}
	case n < 60:
		return step{"the peer boots", func(p *pair) { p.boot(1) }}
	case n < 65:
		priority := uint8(5 + rng.IntN(30))
		return step{fmt.Sprint("priority ", priority), func(p *pair) { p.configure(i, func(c *Config) { c.Priority = priority }) }}
	case n < 70:
		return step{"the operator ends the revert delay", func(p *pair) { p.do(i, func(n *node) { n.EndRevert(p.now, 10, &n.fx) }) }}
	}
	d := time.Duration(rng.IntN(1<<rng.IntN(16))) * time.Millisecond
	return step{fmt.Sprint(d), func(p *pair) { p.run(d) }}
}
