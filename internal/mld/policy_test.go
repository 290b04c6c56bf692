package mld

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

var (
	prefix  = netip.MustParsePrefix
	group2  = addr("ff3e::8000:2")
	group3  = addr("ff1e::3")
	onlySSM = &Policy{Name: "2000", Rules: []PolicyRule{{Permit: true, Group: prefix("ff3e::/16")}}}
	onlyS1  = &Policy{Name: "3000", Rules: []PolicyRule{{Permit: true, Group: prefix("ff3e::/16"), Source: prefix("2001:db8::1/128")}}}
)

func TestPolicyPermits(t *testing.T) {
	mixed := &Policy{Rules: []PolicyRule{
		{Permit: false, Group: prefix("ff3e::8000:1/128"), Source: prefix("2001:db8::2/128")},
		{Permit: true, Group: prefix("ff3e::8000:1/128")},
		{Permit: true, Source: prefix("2001:db8::/64")},
		{Permit: true, Group: prefix("ff1e::/16"), Source: prefix("::/0")},
	}}
	for _, c := range []struct {
		name          string
		policy        *Policy
		group, source netip.Addr
		want          bool
	}{
		{"no rule applies", &Policy{}, group1, s1, false},
		{"group", onlySSM, group1, s1, true},
		{"group without source", onlySSM, group1, anySource, true},
		{"other group", onlySSM, group3, s1, false},
		{"source", onlyS1, group1, s1, true},
		{"other source", onlyS1, group1, s2, false},
		{"all sources against a rule about some", onlyS1, group1, anySource, false},
		{"first rule decides", mixed, group1, s2, false},
		{"later rule", mixed, group1, s1, true},
		{"rule about every group", mixed, group2, s3, true},
		{"all sources against ::/0", mixed, group3, anySource, true},
	} {
		if got := c.policy.permits(c.group, c.source); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestGroupPolicy(t *testing.T) {
	for _, c := range []struct {
		name    string
		policy  *Policy
		rec     RecordType
		group   netip.Addr
		sources []netip.Addr
		want    Filter
		refused uint64
	}{
		{"permitted", onlySSM, ModeIsExclude, group1, nil, Filter{Mode: Exclude}, 0},
		{"denied", onlySSM, ModeIsExclude, group3, nil, Filter{}, 1},
		{"denied with sources", onlySSM, AllowNewSources, group3, addrList("2001:db8::1"), Filter{}, 1},
		{"some sources permitted", onlyS1, ModeIsInclude, group1, addrList("2001:db8::1", "2001:db8::2"), Filter{Include, addrList("2001:db8::1")}, 1},
		{"all sources asked for", onlyS1, ChangeToExclude, group1, nil, Filter{}, 1},
		{"a leave is never refused", onlySSM, ChangeToInclude, group3, nil, Filter{}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := DefaultConfig()
			cfg.GroupPolicy = c.policy
			x := newRig(t, cfg)
			x.hear(h1, c.rec, c.group, c.sources...)
			if got := x.r.Filter(c.group); !got.Equal(c.want) {
				t.Errorf("%v is sent, not %v", got, c.want)
			}
			if got := x.r.State(x.now).Counters.Drops.Policy; got != c.refused {
				t.Errorf("%d refused, not %d", got, c.refused)
			}
		})
	}
}

// A rule about one source applies although hosts ask for all sources.
func TestGroupPolicyAtForwarding(t *testing.T) {
	cfg := DefaultConfig()
	cfg.GroupPolicy = &Policy{Rules: []PolicyRule{{Source: prefix("2001:db8::1/128")}, {Permit: true}}}
	x := newRig(t, cfg)
	x.hear(h1, ModeIsExclude, group1)
	if x.r.Wants(group1, s1) || !x.r.Wants(group1, s2) {
		t.Error("the denied source is sent, or another one is not")
	}
}

// A new policy stops at once what it denies, and changes nothing else. When the rule is
// removed, the denied streams return without waiting for the hosts.
func TestGroupPolicyAtRunTime(t *testing.T) {
	x := newRig(t, DefaultConfig())
	x.hear(h1, ModeIsExclude, group1)
	x.hear(h2, ModeIsInclude, group3, s1)
	x.run(after(40 * time.Second))

	cfg := DefaultConfig()
	cfg.GroupPolicy = onlySSM
	x.configure(cfg)
	if !slices.Contains(x.fx.Groups, group3) || len(x.fx.Changed) > 0 {
		t.Errorf("groups %v, changed %v", x.fx.Groups, x.fx.Changed)
	}
	if x.r.Wants(group3, s1) || !x.r.Wants(group1, s1) {
		t.Error("what is denied is sent, or what is permitted is not")
	}
	if g, _ := x.r.GroupState(x.now, group3); !g.Denied || len(g.Hosts) != 1 {
		t.Errorf("shown as %+v", g)
	}
	if g, _ := x.r.GroupState(x.now, group1); g.Uptime != 40*time.Second || g.Denied {
		t.Errorf("shown as %+v", g)
	}

	x.configure(DefaultConfig())
	if !x.r.Wants(group3, s1) || len(x.fx.Queries) != 1 || !x.fx.Queries[0].General() {
		t.Errorf("not sent again, or hosts not asked: %v", x.fx.Queries)
	}

	x.configure(cfg)
	x.hear(h2, ModeIsInclude, group3, s1) // refused, so its old record is removed
	if x.r.hasListeners(group3) || len(x.fx.Queries) > 0 {
		t.Error("what is denied is still known, or hosts are asked about it")
	}
}

func TestAccessLimit(t *testing.T) {
	cfg := DefaultConfig()
	cfg.AccessLimit = 2
	cfg.AccessExcept = &Policy{Rules: []PolicyRule{{Permit: true, Group: prefix("ff1e::/16")}}}
	x := newRig(t, cfg)
	want := func(entries int, refused uint64) {
		t.Helper()
		s := x.r.State(x.now)
		if s.Entries != entries || s.Counters.Drops.Access != refused {
			t.Errorf("%d entries and %d refused, not %d and %d", s.Entries, s.Counters.Drops.Access, entries, refused)
		}
	}
	x.hear(h1, AllowNewSources, group1, s1)
	x.hear(h1, ModeIsExclude, group2)
	want(2, 0)
	x.hear(h2, AllowNewSources, group1, s2)
	want(2, 1)
	x.hear(h2, AllowNewSources, group1, s1) // the entry already exists
	x.hear(h1, ModeIsInclude, group1, s1)   // a refresh
	x.hear(h2, ModeIsExclude, group3)       // the access limit does not apply to it
	want(2, 1)
	// A host leaves one group and joins another in one report. If the router handled the
	// join first, there would be no room for it.
	x.receive(h1, &Packet{Type: TypeReportV2, Records: []GroupRecord{
		{AllowNewSources, addr("ff3e::9"), []netip.Addr{s3}}, {ChangeToInclude, group2, nil}}})
	want(2, 1)
	if !x.r.Wants(addr("ff3e::9"), s3) {
		t.Error("no change from one group to another at the limit")
	}

	cfg.AccessLimit = 1
	x.configure(cfg)
	want(2, 1)
	if !x.r.Wants(group1, s1) || !x.r.Wants(addr("ff3e::9"), s3) {
		t.Error("a lower limit cost a listener its stream")
	}
	cfg.AccessExcept = nil
	x.configure(cfg)
	want(3, 1)
}

func TestRoomForHosts(t *testing.T) {
	x := newRig(t, DefaultConfig())
	x.r.SetRoom(1)
	x.hear(h1, ModeIsExclude, group1)
	x.hear(h2, ModeIsExclude, group1)
	x.hear(h1, ModeIsExclude, group1)
	if s := x.r.State(x.now); s.Records != 1 || s.Counters.Drops.Limit != 1 || x.r.Refused() != 1 {
		t.Errorf("%d records, %d refused", s.Records, s.Counters.Drops.Limit)
	}
	x.hear(h1, ChangeToInclude, group1)
	x.hear(h2, ModeIsExclude, group1)
	if x.r.Hosts() != 1 || !x.r.Wants(group1, s1) {
		t.Error("a leave made no room")
	}
	x.r.SetRoom(-1)
	x.hear(h1, ModeIsExclude, group1)
	if x.r.Hosts() != 2 {
		t.Error("still bounded")
	}
}

func TestPromptLeavePolicy(t *testing.T) {
	cfg := DefaultConfig()
	cfg.PromptLeave = true
	cfg.PromptPolicy = onlyS1
	x := newRig(t, cfg)
	x.run(after(time.Minute))
	x.hear(h1, AllowNewSources, group1, s1, s2)
	x.hear(h1, BlockOldSources, group1, s1, s2)
	if x.r.Wants(group1, s1) || !x.r.Wants(group1, s2) {
		t.Error("what may end at once is still sent, or the rest is not")
	}
	if q := x.fx.Queries; len(q) != 2 || !slices.Equal(q[0].Sources, []netip.Addr{s2}) || len(q[1].Sources) > 0 {
		t.Errorf("queries %v", x.fx.Queries)
	}
	x.hearV1(h1, TypeReportV1, group3)
	x.hearV1(h1, TypeDone, group3)
	if !x.r.Wants(group3, s1) || len(x.fx.Queries) != 1 {
		t.Error("a done outside the policy ended the group at once")
	}
}

// configure sets a configuration. The effects contain only those of this call.
func (x *rig) configure(cfg Config) {
	x.fx.Reset()
	x.r.SetConfig(x.now, cfg, &x.fx)
}
