package etrunk

import (
	"math/rand/v2"
	"testing"
	"time"
)

// sharer does for one member what a device does: it sets its gate by Target and Cover
// whenever the trunk has changed.
type sharer struct {
	up, ready bool
	covers    Buckets
}

func (p *pair) share(i int, s *sharer) {
	for p.nodes[i].fx.Changed {
		st := p.state(i)
		m := st.Members[0]
		local := Announcement{Up: s.up, Ready: s.ready, Role: m.Role, Covers: s.covers}
		target := Target(local, m.Peer, m.PeerKnown, st.Preferred)
		s.covers = Cover(s.covers, target, local, m.Peer, m.PeerKnown, true)
		local.Covers = s.covers
		p.announce(i, local)
	}
}

// TestSharingOverABadNetwork runs two trunks with such devices over a network that loses,
// delays and reorders messages, while readiness and priorities change. No bucket is ever
// without a sender. When the changes end, each bucket has exactly one sender.
func TestSharingOverABadNetwork(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		p := newPair(t, nil)
		s := [2]sharer{{up: true}, {up: true}}
		settle := func() {
			for i := range s {
				p.nodes[i].fx.Changed = true
				p.share(i, &s[i])
				if s[0].covers|s[1].covers != AllBuckets {
					t.Fatalf("seed %d at %v: covers %v and %v", seed, p.now, s[0].covers, s[1].covers)
				}
			}
		}
		s[0].covers, s[1].covers = AllBuckets, AllBuckets
		settle()
		p.delay = func(int, []byte) (time.Duration, bool) {
			return time.Duration(rng.IntN(30)) * time.Millisecond, rng.IntN(10) >= 3
		}
		pass := func(d time.Duration) {
			for end := p.now.Add(d); p.now < end; settle() {
				at, what := p.next()
				if !at.IsDue(end) {
					p.now = end
					continue
				}
				p.now = max(at, p.now)
				what()
			}
		}
		for range 300 {
			i := rng.IntN(2)
			s[i].ready = !s[i].ready
			settle()
			if rng.IntN(10) == 0 {
				p.configure(i, func(c *Config) { c.Priority = uint8(1 + rng.IntN(3)) })
				settle()
			}
			pass(time.Duration(rng.IntN(100)) * time.Millisecond)
		}
		p.heal()
		s[0].ready, s[1].ready = true, true
		settle()
		pass(time.Second)
		if s[0].covers&s[1].covers != NoBuckets || (s[0].covers == Bucket0) != p.state(0).Preferred {
			t.Errorf("seed %d: in peace %v and %v", seed, s[0].covers, s[1].covers)
		}
		for i, n := range p.nodes {
			if n.count(PeerLost) != 0 {
				t.Errorf("seed %d: device %d lost its peer", seed, i)
			}
		}
	}
}
