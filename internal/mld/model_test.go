package mld

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"tandem/internal/instant"
)

var modelEvents = flag.Int("events", 1_000_000, "random events that TestModel compares after (a tenth with -short)")

// The reference model knows four sources and, as a fifth, all other sources. So a filter is
// a set of five bits: EXCLUDE{s1} is all bits but the first. The model counts, caches and
// schedules nothing. It finds what has ended by comparing times.
type sourceSet uint8

const (
	anyOther sourceSet = 1 << 4
	everyone sourceSet = anyOther<<1 - 1
)

var modelSources = addrList("2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4", "2001:db8::5")

// filterOf returns the set as the router's filter.
func (s sourceSet) filterOf() Filter {
	f := Filter{Mode: Include}
	listed := s
	if s&anyOther != 0 {
		f.Mode, listed = Exclude, ^s
	}
	f.Sources = listed.addrs()
	return f
}

func (s sourceSet) addrs() (list []netip.Addr) {
	for i, a := range modelSources[:4] {
		if s&(1<<i) != 0 {
			list = append(list, a)
		}
	}
	return list
}

// setOf is the inverse of filterOf. It returns ok false if the filter contains other
// sources.
func setOf(f Filter) (s sourceSet, ok bool) {
	for _, a := range f.Sources {
		i := slices.Index(modelSources, a)
		if i < 0 || i > 3 {
			return 0, false
		}
		s |= 1 << i
	}
	if f.Mode == Exclude {
		s = everyone &^ s
	}
	return s, true
}

// model is the specified behaviour of one router of package mld, without other devices.
type model struct {
	cfg    Config
	groups map[netip.Addr]*modelGroup
}

type modelGroup struct {
	hosts  map[netip.Addr]*modelHost
	linger [5]instant.Time // until when a source that was left is still sent
	// v1Until is when MLDv1 compatibility ends. partialUntil is the end of the time in
	// which an IS_IN may answer a source-specific query.
	v1Until, partialUntil instant.Time
}

// modelHost is a record. A host that wants nothing has a tombstone.
type modelHost struct {
	want           sourceSet
	v1             bool
	heard, expires instant.Time
}

// lingers returns what is still sent although no known host wants it. While the whole group
// lingers, all its lingering sources do.
func (g *modelGroup) lingers(now instant.Time) (s sourceSet) {
	for i, until := range g.linger {
		if now < until || until.IsSet() && now < g.linger[4] {
			s |= 1 << i
		}
	}
	return s
}

func (g *modelGroup) listened() (s sourceSet) {
	for _, h := range g.hosts {
		s |= h.want
	}
	return s
}

// at removes what has ended by now.
func (m *model) at(now instant.Time) {
	for addr, g := range m.groups {
		for a, h := range g.hosts {
			if h.expires <= now {
				delete(g.hosts, a)
			}
		}
		lingers := g.lingers(now)
		for i := range g.linger {
			if lingers&(1<<i) == 0 {
				g.linger[i] = instant.Never
			}
		}
		if len(g.hosts) == 0 && lingers == 0 {
			delete(m.groups, addr)
		}
	}
}

func (m *model) forwards(now instant.Time, group netip.Addr) sourceSet {
	if g := m.groups[group]; g != nil {
		return g.listened() | g.lingers(now)
	}
	return 0
}

func (m *model) group(addr netip.Addr) *modelGroup {
	g := m.groups[addr]
	if g == nil {
		g = &modelGroup{hosts: map[netip.Addr]*modelHost{}}
		m.groups[addr] = g
	}
	return g
}

// report applies both tables of RFC 9777, section 7.4, for one host.
func (m *model) report(now instant.Time, host netip.Addr, rec RecordType, group netip.Addr, told sourceSet, v1 bool) {
	g := m.group(group)
	h := g.hosts[host]
	if h == nil {
		h = &modelHost{heard: after(-time.Hour)}
	}
	old, next := h.want, told
	if now < g.v1Until && !v1 {
		switch rec {
		case BlockOldSources:
			return
		case ChangeToExclude:
			told = 0
		}
	}
	switch rec {
	case ModeIsInclude, ChangeToInclude:
		partial := rec == ModeIsInclude && now < g.partialUntil ||
			told != 0 && old&anyOther == 0 && now.Sub(h.heard) < splitWindow
		if partial {
			next = old | told
		}
	case ModeIsExclude, ChangeToExclude:
		next = everyone &^ told
	case AllowNewSources:
		next = old | told
	case BlockOldSources:
		next = old &^ told
	}
	if old == 0 && next == 0 {
		return
	}
	*h = modelHost{want: next, v1: v1, heard: now, expires: now.Add(m.cfg.ListeningInterval())}
	g.hosts[host] = h
	m.left(now, g, old&^next, old)
	if v1 {
		g.v1Until = now.Add(m.cfg.ListeningInterval())
	}
}

// left makes sources linger that a host has dropped and no other host wants.
func (m *model) left(now instant.Time, g *modelGroup, dropped, old sourceSet) {
	lost := dropped &^ g.listened()
	if m.cfg.PromptLeave || lost == 0 {
		return
	}
	if lost&anyOther != 0 {
		lost = old // the query is for the whole group
	} else {
		g.ask(now.Add(m.cfg.LastListenerQueryTime() + m.cfg.LastListenerInterval))
	}
	g.keep(lost, now.Add(m.cfg.LastListenerQueryTime()))
}

func (g *modelGroup) keep(lost sourceSet, until instant.Time) {
	for i := range g.linger {
		if lost&(1<<i) != 0 {
			g.linger[i] = until
		}
	}
}

func (g *modelGroup) ask(until instant.Time) { g.partialUntil = max(g.partialUntil, until) }

// done handles an MLDv1 Done: it ends the record of one host, or of a group whose listeners
// are not all known.
func (m *model) done(now instant.Time, host, group netip.Addr) {
	g := m.groups[group]
	switch {
	case g == nil || g.listened()|g.lingers(now) == 0:
		return
	case m.cfg.PromptLeave || now >= g.v1Until:
		m.report(now, host, ChangeToInclude, group, 0, false)
		return
	}
	if h := g.hosts[host]; h != nil && !h.v1 {
		m.report(now, host, ChangeToInclude, group, 0, false)
	}
	end := now.Add(m.cfg.LastListenerQueryTime())
	for _, h := range g.hosts {
		if h.v1 && h.want != 0 {
			h.expires = instant.Earliest(h.expires, end)
		}
	}
	g.keep(everyone, end)
}

// query applies a query of the elected querier (section 7.6.1).
func (m *model) query(now instant.Time, group netip.Addr, asked sourceSet, suppress bool) {
	g := m.groups[group]
	if g == nil {
		return
	}
	end := now.Add(m.cfg.LastListenerQueryTime())
	if asked != 0 {
		g.ask(end.Add(m.cfg.LastListenerInterval))
	}
	for _, h := range g.hosts {
		excludes := h.want&anyOther != 0
		concerned := asked == 0 && excludes || asked != 0 && !excludes && h.want&^asked == 0
		if !suppress && h.want != 0 && concerned {
			h.expires = instant.Earliest(h.expires, end)
		}
	}
}

// trial gives the router and the model the same events.
type trial struct {
	*rig
	m      *model
	rng    *rand.Rand
	groups []netip.Addr
	hosts  []netip.Addr
	last   string
}

func newTrial(t *testing.T, seed uint64) *trial {
	rng := rand.New(rand.NewPCG(seed, 7))
	cfg := DefaultConfig()
	cfg.Robustness = 2 + rng.IntN(4)
	cfg.LastListenerInterval = time.Duration(1+rng.IntN(20)) * 100 * time.Millisecond
	cfg.PromptLeave = rng.IntN(6) == 0
	return &trial{rig: newRig(t, cfg), m: &model{cfg, map[netip.Addr]*modelGroup{}}, rng: rng,
		groups: []netip.Addr{group1, groupNumber(1), groupNumber(2)},
		hosts:  []netip.Addr{h1, h2, addr("fe80::1:3"), addr("fe80::1:4")}}
}

// TestModel compares the router with the reference model after each of a million random
// events, and between them whenever anything ends.
func TestModel(t *testing.T) {
	total, perSeed := *modelEvents, 10_000
	if testing.Short() {
		total /= 10
	}
	for seed := uint64(0); total > 0; seed++ {
		x := newTrial(t, seed)
		for n := range min(total, perSeed) {
			x.pass()
			x.event()
			if err := x.differs(); err != "" {
				t.Fatalf("seed %d, event %d at %v, %s: %s", seed, n, x.now, x.last, err)
			}
			if n%500 == 0 {
				if err := x.recordsDiffer(); err != "" {
					t.Fatalf("seed %d, event %d at %v, %s: %s", seed, n, x.now, x.last, err)
				}
				if err := x.r.verify(x.now); err != nil {
					t.Fatalf("seed %d, event %d: %v", seed, n, err)
				}
			}
		}
		total -= perSeed
	}
}

// pass advances the time: mostly so little that queries overlap, sometimes so much that all
// records expire.
func (x *trial) pass() {
	step := time.Duration(x.rng.IntN(100)) * tickLength
	switch x.rng.IntN(20) {
	case 0:
		step = time.Duration(x.rng.IntN(300_00)) * tickLength
	case 1, 2, 3:
		step *= 8
	}
	until := x.now.Add(step)
	for at := x.r.Deadline(); at.IsDue(until); at = x.r.Deadline() {
		x.now = max(x.now, at)
		x.fx.Reset()
		x.r.Advance(x.now, x.version(), &x.fx)
		x.m.at(x.now)
		if err := x.differs(); err != "" {
			x.t.Fatalf("between events, at %v, after %s: %s", x.now, x.last, err)
		}
	}
	x.now = until
	x.m.at(until)
}

func (x *trial) event() {
	host, group := x.hosts[x.rng.IntN(len(x.hosts))], x.groups[x.rng.IntN(len(x.groups))]
	told := sourceSet(x.rng.IntN(16))
	switch n := x.rng.IntN(100); {
	case n < 80:
		rec := RecordType(1 + x.rng.IntN(6))
		if n < 10 {
			rec, told = ChangeToInclude, 0
		}
		x.last = fmt.Sprintf("%v says %v %v %v", host, rec, group, told.addrs())
		x.hear(host, rec, group, told.addrs()...)
		x.m.report(x.now, host, rec, group, told, false)
	case n < 84:
		x.last = fmt.Sprintf("%v reports %v in version 1", host, group)
		x.hearV1(host, TypeReportV1, group)
		x.m.report(x.now, host, ModeIsExclude, group, 0, true)
	case n < 90:
		x.last = fmt.Sprintf("%v is done with %v", host, group)
		x.hearV1(host, TypeDone, group)
		x.m.done(x.now, host, group)
	default:
		suppress := n < 93
		x.last = fmt.Sprintf("query for %v %v, suppress %v", group, told.addrs(), suppress)
		x.hearQuery(better, Query{Group: group, Sources: told.addrs(), Suppress: suppress, MaxResponse: x.m.cfg.LastListenerInterval,
			Robustness: x.m.cfg.Robustness, QueryInterval: x.m.cfg.QueryInterval})
		x.m.query(x.now, group, told, suppress)
	}
	x.m.at(x.now)
}

// differs compares the forwarding decisions for every group and source.
func (x *trial) differs() string {
	for _, group := range x.groups {
		want := x.m.forwards(x.now, group)
		if got, ok := setOf(x.r.Filter(group)); !ok || got != want {
			return fmt.Sprintf("group %v: router forwards %v, model %v", group, x.r.Filter(group), want.filterOf())
		}
		for i, s := range modelSources {
			if x.r.Wants(group, s) != (want&(1<<i) != 0) {
				return fmt.Sprintf("group %v, source %v: router forwards: %v", group, s, x.r.Wants(group, s))
			}
		}
	}
	return ""
}

// recordsDiffer compares the records of each host and their end times.
func (x *trial) recordsDiffer() string {
	known := 0
	for rec := range x.r.Records(x.now) {
		if rec.Host == nobody {
			continue
		}
		known++
		var h *modelHost
		if g := x.m.groups[rec.Group]; g != nil {
			h = g.hosts[rec.Host]
		}
		if want, _ := setOf(rec.Filter); h == nil || h.want != want || h.v1 != rec.V1 || h.expires.Sub(x.now) != rec.Left {
			return fmt.Sprintf("router has %+v, model %+v", rec, h)
		}
	}
	for _, g := range x.m.groups {
		known -= len(g.hosts)
	}
	if known != 0 {
		return fmt.Sprintf("router knows %d more records than the model", known)
	}
	return ""
}
