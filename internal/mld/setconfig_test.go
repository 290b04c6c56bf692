package mld

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tandem/internal/instant"
)

// Hosts that answer every query as late as permitted keep their streams, while the timers
// are changed.
func TestTimersAtRunTime(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		x := newRig(t, DefaultConfig())
		x.hear(h1, AllowNewSources, group1, s1)
		var answers []instant.Time
		next := x.now.Add(time.Second)
		for end := x.now.Add(time.Hour); x.now < end; {
			at := x.r.Deadline()
			if len(answers) > 0 {
				at = instant.Earliest(at, answers[0])
			}
			at = max(instant.Earliest(at, next), x.now)
			x.now = at
			x.fx.Reset()
			if len(answers) > 0 && answers[0] == at {
				x.hear(h1, ModeIsInclude, group1, s1)
				answers = answers[1:]
			}
			x.r.Advance(x.now, x.version(), &x.fx)
			if at == next {
				cfg := DefaultConfig()
				cfg.QueryInterval = time.Duration(rapid.IntRange(2, 300).Draw(rt, "interval")) * time.Second
				cfg.MaxResponse = time.Duration(rapid.IntRange(1, 25).Draw(rt, "response")) * time.Second
				cfg.MaxResponse = min(cfg.MaxResponse, cfg.QueryInterval-time.Second)
				cfg.Robustness = rapid.IntRange(2, 5).Draw(rt, "robustness")
				cfg.LastListenerInterval = time.Duration(rapid.IntRange(1, 5).Draw(rt, "last listener")) * time.Second
				cfg.Version = 2
				x.r.SetConfig(x.now, cfg, &x.fx)
				next = x.now.Add(time.Duration(rapid.IntRange(1, 600).Draw(rt, "after")) * time.Second)
			}
			for _, q := range x.fx.Queries {
				if len(answers) == 0 { // one answer is enough for all
					answers = append(answers, x.now.Add(q.MaxResponse))
				}
				answers[0] = instant.Earliest(answers[0], x.now.Add(q.MaxResponse))
			}
			if !x.r.Wants(group1, s1) {
				rt.Fatalf("lost at %v", x.now)
			}
		}
	})
}

// TestPolicyProperties changes hosts and configuration at random. It compares what is sent,
// and what counts against the access limit, with what follows from the records alone.
func TestPolicyProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		x := newRig(t, drawConfig(rt))
		for range rapid.IntRange(1, 80).Draw(rt, "events") {
			switch rapid.IntRange(0, 9).Draw(rt, "event") {
			case 0:
				x.configure(drawConfig(rt))
			case 1:
				x.run(x.now.Add(time.Duration(rapid.IntRange(0, 100).Draw(rt, "seconds")) * time.Second))
			case 2:
				x.hearV1(drawHost(rt), rapid.SampledFrom([]Type{TypeReportV1, TypeDone}).Draw(rt, "type"), drawGroup(rt))
			default:
				x.hear(drawHost(rt), RecordType(rapid.IntRange(1, 6).Draw(rt, "record")), drawGroup(rt), drawSources(rt)...)
			}
			checkWanted(rt, x.r)
			checkEntries(rt, x.r)
		}
	})
}

var allGroups, allSources = []netip.Addr{group1, group2, group3}, []netip.Addr{s1, s2, s3}

func drawHost(rt *rapid.T) netip.Addr {
	return rapid.SampledFrom([]netip.Addr{h1, h2, addr("fe80::1:3")}).Draw(rt, "host")
}
func drawGroup(rt *rapid.T) netip.Addr { return rapid.SampledFrom(allGroups).Draw(rt, "group") }
func drawSources(rt *rapid.T) []netip.Addr {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(allSources), 0, 3, rapid.ID).Draw(rt, "sources")
}

func drawConfig(rt *rapid.T) Config {
	cfg := DefaultConfig()
	policies := []*Policy{nil, onlySSM, onlyS1, {Rules: []PolicyRule{{Source: prefix("2001:db8::2/128")}, {Permit: true}}}}
	policy := rapid.SampledFrom(policies)
	cfg.GroupPolicy = policy.Draw(rt, "group policy")
	cfg.PromptLeave, cfg.PromptPolicy = rapid.Bool().Draw(rt, "prompt"), policy.Draw(rt, "prompt policy")
	cfg.AccessLimit, cfg.AccessExcept = rapid.IntRange(0, 4).Draw(rt, "limit"), policy.Draw(rt, "except")
	if rapid.Bool().Draw(rt, "mapping") {
		cfg.SSMMapping = mapping
	}
	if rapid.Bool().Draw(rt, "static") {
		cfg.Static = []StaticGroup{{group1, s3}, {Group: group2}}
	}
	return cfg
}

// checkWanted computes from the records what must be sent, and compares it with the router.
func checkWanted(rt *rapid.T, r *Router) {
	for _, group := range allGroups {
		f := r.Filter(group)
		for _, source := range append([]netip.Addr{addr("2001:db8::77")}, allSources...) {
			want := r.isStatic(group, source)
			mapped := r.cfg.mappedSources(group)
			for rec := range r.Records(after(0)) {
				if rec.Group != group || rec.Deleted || !rec.wants(source) || !r.cfg.permits(group, source) {
					continue
				}
				open := rec.Mode == Exclude
				want = want || !open || slices.Contains(mapped, source) || len(mapped) == 0 && r.cfg.permits(group, anySource)
			}
			if got := r.Wants(group, source); got != want {
				rt.Fatalf("(%v, %v) sent: %v", source, group, got)
			}
			// The proxy may join a whole group upstream although a rule denies some of its
			// sources.
			if got := f.wants(source); got != want && !(got && f.Mode == Exclude) {
				rt.Fatalf("(%v, %v) asked for: %v", source, group, got)
			}
		}
	}
}

// checkEntries counts the entries and compares the number with the router's.
func checkEntries(rt *rapid.T, r *Router) {
	type entry struct{ group, source netip.Addr }
	entries := make(map[entry]bool)
	for rec := range r.Records(after(0)) {
		if rec.Deleted || rec.Host.IsUnspecified() {
			continue
		}
		sources := rec.Sources
		if rec.Mode == Exclude {
			sources = []netip.Addr{anySource}
		}
		for _, s := range sources {
			if r.cfg.AccessExcept == nil || !r.cfg.AccessExcept.permits(rec.Group, s) {
				entries[entry{rec.Group, s}] = true
			}
		}
	}
	if got := r.State(after(0)).Entries; r.cfg.AccessLimit > 0 && got != len(entries) {
		rt.Fatalf("%d entries counted, there are %d", got, len(entries))
	}
}

// BenchmarkJoinsUnderPolicy measures the cost of the admission of a join. Compare it with
// the benchmark of distinct joins.
func BenchmarkJoinsUnderPolicy(b *testing.B) {
	cfg := DefaultConfig()
	cfg.AccessLimit, cfg.GroupPolicy = 1<<30, onlySSM
	cfg.MaxRecords, cfg.MaxEntries, cfg.MaxHost = 0, 0, 0
	r := NewRouter(cfg, 1, after(0))
	var fx Effects
	r.SetLink(after(0), self, true, &fx)
	rng := rand.New(rand.NewPCG(1, 1))
	p := Packet{Type: TypeReportV2, Records: []GroupRecord{{Type: AllowNewSources, Sources: []netip.Addr{s1}}}}
	raw := group1.As16()
	for i := range b.N {
		raw[14], raw[15] = byte(rng.Uint32()), byte(rng.Uint32())
		p.Records[0].Group = netip.AddrFrom16(raw)
		fx.Reset()
		if err := r.Receive(after(0), Version{uint64(i), 1}, Meta{Src: h1, HopLimit: 1}, &p, &fx); err != nil {
			b.Fatal(err)
		}
	}
}
