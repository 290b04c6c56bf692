package mld

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

// tight returns a configuration with limits that a few reports reach.
func tight(rng *rand.Rand) Config {
	c := DefaultConfig()
	c.MaxRecords, c.MaxEntries, c.MaxGroupSources = 20+rng.IntN(40), 20+rng.IntN(60), 5+rng.IntN(20)
	c.MaxSources, c.MaxHost = 1+rng.IntN(8), 5+rng.IntN(40)
	if rng.IntN(2) == 0 {
		c.AccessLimit = 10 + rng.IntN(40)
	}
	return c
}

// TestFairness: whatever other hosts do, a host keeps what it has joined as long as it
// reports it. The router refuses no report that repeats a join.
func TestFairness(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 14))
		cfg := tight(rng)
		x := newRig(t, cfg)
		x.run(after(time.Minute))
		x.r.SetRoom(10 + rng.IntN(60))
		sourceOf := func(n int) netip.Addr { return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(rng.IntN(n))}) }
		watcher := hostNumber(0)
		joined := make(map[netip.Addr]GroupRecord) // by group, what the watched host has joined
		for range 400 {
			switch rng.IntN(8) {
			case 0: // the watched host joins one more group, if admitted
				g := GroupRecord{ModeIsExclude, groupNumber(rng.IntN(30)), nil}
				if rng.IntN(2) == 0 {
					g.Type, g.Sources = ModeIsInclude, []netip.Addr{sourceOf(30)}
				}
				if _, already := joined[g.Group]; already {
					continue
				}
				x.hear(watcher, g.Type, g.Group, g.Sources...)
				if rec, ok := x.r.Get(x.now, Key{g.Group, watcher}); ok && !rec.Deleted {
					joined[g.Group] = g
				}
			case 1: // the watched host repeats its report
				before := x.r.Refused()
				for _, g := range joined {
					x.hear(watcher, g.Type, g.Group, g.Sources...)
				}
				if x.r.Refused() != before {
					t.Fatalf("seed %d: a host is refused what it has", seed)
				}
			case 2:
				x.run(x.now.Add(time.Duration(rng.IntN(3000)) * time.Millisecond))
			default: // another host joins or leaves something
				p := []RecordType{ModeIsInclude, ModeIsExclude, ChangeToInclude, ChangeToExclude, AllowNewSources, BlockOldSources}
				var list []netip.Addr
				for range rng.IntN(10) {
					list = append(list, sourceOf(200))
				}
				x.hear(hostNumber(1+rng.IntN(5)), p[rng.IntN(len(p))], groupNumber(rng.IntN(60)), list...)
			}
			for _, g := range joined {
				rec, ok := x.r.Get(x.now, Key{g.Group, watcher})
				if !ok || rec.Deleted || len(g.Sources) > 0 && !x.r.Wants(g.Group, g.Sources[0]) || len(g.Sources) == 0 && rec.Mode != Exclude {
					t.Fatalf("seed %d: what a host has joined has ended: %+v, want %+v", seed, rec, g)
				}
			}
			if err := x.r.verify(x.now); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
	}
}

// TestOneHostTakesNoMoreThanItsShare: one host joins as much as it can. Whatever the limit
// is, there is room for other hosts, and each gets its share.
func TestOneHostTakesNoMoreThanItsShare(t *testing.T) {
	for name, set := range map[string]func(*Config){
		"access limit":     func(c *Config) { c.AccessLimit = 64 },
		"records":          func(c *Config) { c.MaxRecords = 64 },
		"entries":          func(c *Config) { c.MaxEntries = 64 },
		"sources of group": func(c *Config) { c.MaxGroupSources = 64 },
		"host":             func(c *Config) { c.MaxHost = 64 },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := DefaultConfig()
			set(&cfg)
			x := newRig(t, cfg)
			for i := range 2000 {
				group := groupNumber(i)
				if name == "sources of group" {
					group = group1
				}
				x.hear(h1, AllowNewSources, group, netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 14: byte(i >> 8), 15: byte(i)}))
			}
			if x.r.Refused() == 0 {
				t.Fatal("nothing is refused")
			}
			if got := x.r.Refusal(); got.Host != h1 {
				t.Errorf("the refusal that is noted is %+v", got)
			}
			others := 0
			for i := range 6 {
				group := groupNumber(5000 + i)
				if name == "sources of group" {
					group = group1
				}
				host, source := addr(fmt.Sprintf("fe80::2:%x", i)), addr(fmt.Sprintf("2001:db8::2:%x", i))
				x.hear(host, AllowNewSources, group, source)
				if x.r.Wants(group, source) {
					others++
				}
			}
			if others != 6 {
				t.Errorf("%d of 6 others get what they want", others)
			}
			x.run(x.now.Add(6 * time.Minute))
			if got := x.r.Refusal(); got.Host.IsValid() {
				t.Errorf("the refusal is never over: %+v", got)
			}
		})
	}
}

// TestJoinsAndLeaves: one host joins and leaves sources of a group all the time. There is
// room for other hosts in the group and on the interface.
func TestJoinsAndLeaves(t *testing.T) {
	cfg := DefaultConfig()
	cfg.MaxEntries = 1000
	x := newRig(t, cfg)
	x.hear(h2, AllowNewSources, group1, s2)
	list := make([]netip.Addr, 60)
	for i := range 500 {
		for j := range list {
			list[j] = netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 13: byte(i >> 8), 14: byte(i), 15: byte(j)})
		}
		for _, group := range []netip.Addr{group1, groupNumber(i)} {
			x.hear(h1, AllowNewSources, group, list...)
			x.hear(h1, ChangeToInclude, group)
			x.r.Forget(x.now, x.r.HandleOf(Key{group, h1}), Version{x.clock, x.id}) // the peer has acknowledged the tombstone
		}
		if i%50 == 0 {
			x.run(x.now.Add(50 * time.Millisecond))
		}
		other, source := hostNumber(100+i), addr(fmt.Sprintf("2001:db8::3:%x", i%50))
		x.hear(other, AllowNewSources, group1, source)
		if !x.r.Wants(group1, source) || !x.r.Wants(group1, s2) {
			t.Fatalf("round %d: another host is refused, or has lost its stream", i)
		}
	}
	if x.r.State(x.now).Counters.Activity.Unasked == 0 {
		t.Error("what was left has never been too much; the test proves nothing")
	}
	if err := x.r.verify(x.now); err != nil {
		t.Error(err)
	}
}

// TestFlood: one host sends joins and leaves with as many sources as a report can hold. The
// router's memory stays bounded.
func TestFlood(t *testing.T) {
	x := newRig(t, DefaultConfig())
	sources := make([]netip.Addr, 70)
	for i := range 20_000 {
		for j := range sources {
			sources[j] = netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 12: byte(i >> 8), 13: byte(i), 15: byte(j)})
		}
		x.hear(h1, ModeIsInclude, groupNumber(i), sources...)
		if i%2 == 0 {
			x.hear(h1, ChangeToInclude, groupNumber(i))
		}
	}
	if s := &x.r.store; s.records.Len()+s.named > 2*DefaultConfig().MaxHost {
		t.Errorf("%d records and %d sources are held for one host", s.records.Len(), s.named)
	}
	x.hear(h2, ModeIsInclude, groupNumber(30_000), s1)
	if !x.r.Wants(groupNumber(30_000), s1) {
		t.Error("another host is refused")
	}
}
