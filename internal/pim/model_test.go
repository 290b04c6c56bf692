package pim

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"tandem/internal/instant"
)

var modelEvents = flag.Int("events", 2_000, "random events that TestModel compares after")

var (
	modelSources = []netip.Addr{addr("2001:db8::1"), addr("2001:db8::2"), addr("2001:db8::3")}
	modelGroups  = []netip.Addr{asm1, addr("ff1e::2"), ssm1, addr("ff3e::2")}
	modelRP      = map[netip.Addr]netip.Addr{asm1: rp1, addr("ff1e::2"): addr("2001:db8::98")}
	// modelHops lists all next hops in the model.
	modelHops = []NextHop{via("a", n1), via("a", n2), via("b", n1)}
)

// neighborModel is the downstream half of a router of the core network (sections 4.5.1 to
// 4.5.3). It schedules nothing; it finds what has ended by comparing times.
type neighborModel struct {
	up         bool
	generation uint32
	met        bool // it has received a hello of the router since it started
	joined     map[Key]modelJoin
	pruned     map[Key]instant.Time // (S,G,rpt), until when
}

// modelJoin is a joined tree. A prune takes effect only after the override interval.
type modelJoin struct{ until, pruned instant.Time }

func (n *neighborModel) start(generation uint32) {
	*n = neighborModel{up: true, generation: generation, joined: map[Key]modelJoin{}, pruned: map[Key]instant.Time{}}
}

// hear handles a message for this neighbor, from the router or from another one.
func (n *neighborModel) hear(now instant.Time, m *JoinPrune) {
	until, effect := now.Add(m.HoldTime), now.Add(3*time.Second)
	for _, g := range m.Groups {
		for _, s := range g.Joins {
			key := Key{s.Addr(), g.Group.Addr()}
			switch {
			case s.Wildcard:
				key.Source = nowhere
				n.joined[key] = modelJoin{until: until}
				maps.DeleteFunc(n.pruned, func(k Key, _ instant.Time) bool { return k.Group == key.Group })
			case s.RPT:
				delete(n.pruned, key)
			default:
				n.joined[key] = modelJoin{until: until}
			}
		}
		for _, s := range g.Prunes {
			key := Key{s.Addr(), g.Group.Addr()}
			if s.RPT && !s.Wildcard {
				n.pruned[key] = until
				continue
			}
			if s.Wildcard {
				key.Source = nowhere
			}
			if j, is := n.joined[key]; is && !j.pruned.IsSet() {
				j.pruned = effect
				n.joined[key] = j
			}
		}
	}
}

// at removes what has ended.
func (n *neighborModel) at(now instant.Time) {
	maps.DeleteFunc(n.joined, func(_ Key, j modelJoin) bool { return j.until <= now || j.pruned.IsDue(now) })
	maps.DeleteFunc(n.pruned, func(_ Key, until instant.Time) bool { return until <= now })
}

// sourceModel is the state of a stream.
type sourceModel struct {
	keep instant.Time
	spt  bool
}

// model is the specified behaviour of package pim: which trees are joined where, computed
// only from the wants, the routes, the neighbors and the packets.
type model struct {
	wants     map[netip.Addr]Wants
	routes    map[netip.Addr][]NextHop
	neighbors map[Hop]*neighborModel
	streams   map[Key]*sourceModel
}

// way returns where a tree of a group comes from: the usable next hop of its root with
// the highest weight. If none is usable, it is the interface of the first.
func (m *model) way(root, g netip.Addr) (best Hop) {
	for i, nh := range m.routes[root] {
		if i == 0 {
			best.Interface = nh.Interface
		}
		h := Hop{Interface: nh.Interface, Neighbor: nh.Gateway}
		if m.neighbors[h].up && (!best.usable() || h.weight(root, g) > best.weight(root, g)) {
			best = h
		}
	}
	return best
}

func (m *model) isSSM(g netip.Addr) bool { return !modelRP[g].IsValid() }

// any and covers return what is wanted, as far as it can be served.
func (m *model) any(g netip.Addr) bool { return m.wants[g].Any && !m.isSSM(g) }

func (m *model) covers(k Key) bool {
	return m.wants[k.Group].covers(k.Source) && (m.any(k.Group) || !m.wants[k.Group].Any)
}

func (m *model) sourceJoined(now instant.Time, k Key) bool {
	return m.covers(k) && (!m.any(k.Group) || m.streams[k].keep > now)
}

// at removes what has ended.
func (m *model) at(now instant.Time) {
	for k, s := range m.streams {
		if !m.sourceJoined(now, k) {
			s.spt = false
		}
	}
	for _, n := range m.neighbors {
		n.at(now)
	}
}

// flow applies section 4.2 to one packet.
func (m *model) flow(now instant.Time, k Key, iface string) {
	s := m.streams[k]
	star, source := m.way(modelRP[k.Group], k.Group), m.way(k.Source, k.Group)
	switch {
	case m.isSSM(k.Group) || !m.covers(k):
	case m.sourceJoined(now, k) && source.Interface == iface:
		s.keep = now.Add(210 * time.Second)
		s.spt = s.spt || !m.any(k.Group) || source.Interface != star.Interface || source.usable() && source == star
	case m.any(k.Group) && star.Interface == iface && !s.spt:
		s.keep = now.Add(210 * time.Second)
	}
}

// expected returns what a neighbor should have joined, and pruned from the shared trees.
func (m *model) expected(now instant.Time, at Hop) (joined, pruned []string) {
	for _, g := range modelGroups {
		star := m.way(modelRP[g], g)
		shared := m.any(g) && star == at
		if shared {
			joined = append(joined, fmt.Sprint(Key{nowhere, g}))
		}
		for _, source := range modelSources {
			k := Key{source, g}
			way := m.way(source, g)
			if m.sourceJoined(now, k) && way == at {
				joined = append(joined, fmt.Sprint(k))
			}
			if shared && (!m.covers(k) || m.streams[k].spt && way != star) {
				pruned = append(pruned, fmt.Sprint(k))
			}
		}
	}
	return joined, pruned
}

// trial gives a router and the model the same events.
type trial struct {
	*rig
	m    *model
	rng  *rand.Rand
	last string
}

func newTrial(t testing.TB, rng *rand.Rand) *trial {
	cfg := DefaultConfig()
	for g, rp := range modelRP {
		cfg.StaticRPs = append(cfg.StaticRPs, StaticRP{RP: rp, Groups: []netip.Prefix{netip.PrefixFrom(g, 128)}})
	}
	x := &trial{rig: newRig(t, cfg), rng: rng, m: &model{wants: map[netip.Addr]Wants{}, routes: map[netip.Addr][]NextHop{},
		neighbors: map[Hop]*neighborModel{}, streams: map[Key]*sourceModel{}}}
	for _, nh := range modelHops {
		x.m.neighbors[Hop{Interface: nh.Interface, Neighbor: nh.Gateway}] = &neighborModel{}
	}
	for _, g := range modelGroups {
		for _, s := range modelSources {
			x.m.streams[Key{s, g}] = &sourceModel{}
		}
	}
	return x
}

// pass lets time pass, and delivers the router's messages to the neighbors.
func (x *trial) pass(d time.Duration) {
	until := x.now.Add(d)
	for {
		at := x.r.Deadline()
		if !at.IsDue(until) {
			break
		}
		x.now = max(x.now, at)
		x.m.at(x.now)
		x.r.Advance(x.now, &x.fx)
		x.deliver()
	}
	x.now = until
	x.m.at(x.now)
}

func (x *trial) deliver() {
	x.effects()
	for _, p := range x.sent {
		m := x.parse(p)
		for h, n := range x.m.neighbors {
			if !n.up || h.Interface != p.Interface {
				continue
			}
			switch m := m.(type) {
			case *Hello:
				n.met = true
			case *JoinPrune:
				if n.met && m.Upstream == h.Neighbor {
					n.hear(x.now, m)
				}
			}
		}
	}
	x.sent = x.sent[:0]
	x.answer()
}

// answer gives the router the routes that it has requested.
func (x *trial) answer() {
	for _, root := range slices.SortedFunc(maps.Keys(x.roots), netip.Addr.Compare) {
		x.route(root, x.m.routes[root]...)
	}
}

func pick[T any](x *trial, list []T) T { return list[x.rng.IntN(len(list))] }

// some draws a part of a list, in order.
func some[T any](x *trial, list []T) []T {
	return slices.DeleteFunc(slices.Clone(list), func(T) bool { return x.rng.IntN(2) == 0 })
}

// event draws and carries out one event.
func (x *trial) event() {
	switch x.rng.IntN(9) {
	case 0, 1, 2:
		g := pick(x, modelGroups)
		w := Wants{Any: x.rng.IntN(2) == 0, Sources: some(x, modelSources)}
		x.last = fmt.Sprintf("want of %v: %v", g, w)
		x.m.wants[g] = w
		x.want(g, w)
	case 3:
		root := pick(x, append(slices.Collect(maps.Values(modelRP)), modelSources...))
		hops := some(x, modelHops)
		x.last = fmt.Sprintf("route to %v: %v", root, hops)
		x.m.routes[root] = hops
		x.route(root, hops...)
	case 4, 5:
		k, iface := Key{pick(x, modelSources), pick(x, modelGroups)}, pick(x, []string{"a", "b"})
		x.last = fmt.Sprintf("packet of %v by %s", k, iface)
		x.m.flow(x.now, k, iface)
		x.flow(k.Source, k.Group, iface)
	case 6:
		x.neighborEvent()
	case 7:
		x.overheard()
	case 8:
		x.last = "time goes by"
		x.pass(time.Duration(x.rng.IntN(300)) * time.Second)
	}
	x.deliver()
	x.m.at(x.now)
}

// neighborEvent makes a neighbor come, go or restart.
func (x *trial) neighborEvent() {
	nh := pick(x, modelHops)
	n := x.m.neighbors[Hop{Interface: nh.Interface, Neighbor: nh.Gateway}]
	switch {
	case n.up && x.rng.IntN(3) == 0:
		x.last = fmt.Sprintf("good-bye of %v", nh)
		n.up = false
		x.hear(nh.Interface, nh.Gateway, &Hello{HasHoldTime: true})
	case n.up && x.rng.IntN(2) == 0:
		x.last = fmt.Sprintf("loss of %v", nh)
		n.up = false
		x.r.LoseNeighbor(x.now, nh.Interface, nh.Gateway, &x.fx)
	default:
		x.last = fmt.Sprintf("start of %v", nh)
		n.start(n.generation + 1)
		x.hear(nh.Interface, nh.Gateway, helloOf(n.generation))
	}
}

// overheard makes a router that is not upstream of any tree join or prune trees that may
// be joined here.
func (x *trial) overheard() {
	third := addr("fe80::c")
	nh, g := pick(x, modelHops), pick(x, modelGroups)
	to := x.m.neighbors[Hop{Interface: nh.Interface, Neighbor: nh.Gateway}]
	s := Source{Prefix: netip.PrefixFrom(pick(x, modelSources), 128), Sparse: true}
	key := Key{s.Addr(), g}
	if rp, is := modelRP[g]; is && x.rng.IntN(2) == 0 {
		s.Prefix, s.Wildcard, s.RPT = netip.PrefixFrom(rp, 128), true, true
		key.Source = nowhere
	}
	rec := GroupRecord{Group: group(g)}
	desired, _ := x.m.expected(x.now, Hop{Interface: nh.Interface, Neighbor: nh.Gateway})
	if slices.Contains(desired, fmt.Sprint(key)) && x.rng.IntN(2) == 0 {
		rec.Joins = []Source{s}
	} else {
		rec.Prunes = []Source{s}
	}
	m := &JoinPrune{Upstream: nh.Gateway, HoldTime: 210 * time.Second, Groups: []GroupRecord{rec}}
	x.last = fmt.Sprintf("of another router, at %v: %s", nh, describe(m))
	x.hear(nh.Interface, third, helloOf(3))
	x.deliver()
	if to.up {
		if s.Wildcard && len(rec.Joins) > 0 {
			// The upstream router takes the join as the end of the prunes, which the next
			// join of this router renews (section 4.5.3). In the model they stay.
			kept := maps.Clone(to.pruned)
			to.hear(x.now, m)
			to.pruned = kept
		} else {
			to.hear(x.now, m)
		}
	}
	x.hear(nh.Interface, third, m)
}

// differs lists differences between what the neighbors should have joined and what they
// have joined.
func (x *trial) differs() string {
	for h, n := range x.m.neighbors {
		if !n.up {
			continue
		}
		joined, pruned := x.m.expected(x.now, h)
		var haveJoined, havePruned []string
		for _, k := range slices.SortedFunc(maps.Keys(n.joined), compareKeys) {
			if !n.joined[k].pruned.IsSet() {
				haveJoined = append(haveJoined, fmt.Sprint(k))
			}
		}
		for _, k := range slices.SortedFunc(maps.Keys(n.pruned), compareKeys) {
			if _, shared := n.joined[Key{nowhere, k.Group}]; shared {
				havePruned = append(havePruned, fmt.Sprint(k))
			}
		}
		if !slices.Equal(joined, haveJoined) || !slices.Equal(pruned, havePruned) {
			return fmt.Sprintf("%v has joined %v, want %v; pruned %v, want %v", h, haveJoined, joined, havePruned, pruned)
		}
	}
	return x.incomingDiffers()
}

func compareKeys(a, b Key) int {
	if c := a.Group.Compare(b.Group); c != 0 {
		return c
	}
	return a.Source.Compare(b.Source)
}

// incomingDiffers compares the incoming interface of each stream.
func (x *trial) incomingDiffers() string {
	for k, s := range x.m.streams {
		want := Hop{}
		switch {
		case !x.m.covers(k):
		case x.m.any(k.Group) && !s.spt:
			want = x.m.way(modelRP[k.Group], k.Group)
		default:
			want = x.m.way(k.Source, k.Group)
		}
		if got, ok := x.r.Incoming(k.Source, k.Group); ok != want.usable() || ok && got != want {
			return fmt.Sprintf("%v comes from %v, want %v", k, got, want)
		}
	}
	return ""
}

// step is one event, and the time that the router has to act on it: overriding a prune,
// or joining at a restarted neighbor, takes 2.5 s, and a prune takes effect after 3 s.
func (x *trial) step() {
	x.t.Helper()
	x.event()
	x.pass(6 * time.Second)
	if err := x.differs(); err != "" {
		for _, tree := range x.r.Trees(x.now) {
			x.t.Logf("%+v", tree)
		}
		x.t.Fatalf("at %v, %s: %s", x.now, x.last, err)
	}
}

// TestModel compares what the neighbors of the router have joined with the model, after random
// events.
func TestModel(t *testing.T) {
	slices.SortFunc(modelGroups, netip.Addr.Compare)
	for seed := range 10 {
		x := newTrial(t, rand.New(rand.NewPCG(uint64(seed), 1)))
		for range *modelEvents / 10 {
			x.step()
		}
		x.end()
	}
}

// end makes nothing wanted any more, and checks that no state is left.
func (x *trial) end() {
	for _, g := range modelGroups {
		x.m.wants[g] = Wants{}
		x.want(g, Wants{})
	}
	x.pass(time.Hour)
	if x.r.trees.Len() != 0 || x.r.groups.Len() != 0 || len(x.roots) != 0 || x.r.joined != 0 || x.r.unsent != 0 || x.r.derived != 0 {
		x.t.Errorf("left over: %d trees, %d groups, roots %v, joined %d, unsent %d, derived %d",
			x.r.trees.Len(), x.r.groups.Len(), x.roots, x.r.joined, x.r.unsent, x.r.derived)
	}
}

// choices is a random source that a fuzzer controls: each byte makes one choice. After
// the last byte the choices are always the same.
type choices struct {
	left []byte
	then *rand.PCG
}

func (c *choices) Uint64() uint64 {
	if len(c.left) == 0 {
		return c.then.Uint64()
	}
	b := c.left[0]
	c.left = c.left[1:]
	return uint64(b)<<56 | c.then.Uint64()>>8
}

// FuzzModel is TestModel for a sequence of events that the fuzzer's bytes choose.
func FuzzModel(f *testing.F) {
	for seed := range uint64(4) {
		b := make([]byte, 400)
		for i, rng := 0, rand.New(rand.NewPCG(seed, 1)); i < len(b); i++ {
			b[i] = byte(rng.Uint32())
		}
		f.Add(b)
	}
	slices.SortFunc(modelGroups, netip.Addr.Compare)
	f.Fuzz(func(t *testing.T, events []byte) {
		if len(events) > 2000 {
			return
		}
		steps := &choices{left: events, then: rand.NewPCG(0, 0)}
		x := newTrial(t, rand.New(steps))
		for len(steps.left) > 0 {
			x.step()
		}
		x.end()
	})
}
