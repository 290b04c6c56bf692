package mld

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

var mapping = []Mapping{{prefix("ff3e::/32"), s1}, {prefix("ff3e::8000:0/112"), s2}}

func mapped() Config {
	cfg := DefaultConfig()
	cfg.SSMMapping = mapping
	return cfg
}

func TestSSMMapping(t *testing.T) {
	both := Filter{Include, []netip.Addr{s1, s2}}
	for _, c := range []struct {
		name  string
		tell  func(*rig)
		group netip.Addr
		want  Filter
	}{
		{"MLDv1 report", func(x *rig) { x.hearV1(h1, TypeReportV1, group1) }, group1, both},
		{"EXCLUDE{}", func(x *rig) { x.hear(h1, ModeIsExclude, group1) }, group1, both},
		{"one mapping only", func(x *rig) { x.hear(h1, ModeIsExclude, addr("ff3e::1")) }, addr("ff3e::1"), Filter{Include, []netip.Addr{s1}}},
		{"EXCLUDE of a mapped source", func(x *rig) { x.hear(h1, ChangeToExclude, group1, s2) }, group1, Filter{Include, []netip.Addr{s1}}},
		{"named source", func(x *rig) { x.hear(h1, AllowNewSources, group1, s3) }, group1, Filter{Include, []netip.Addr{s3}}},
		{"named source beside", func(x *rig) {
			x.hear(h1, AllowNewSources, group1, s3)
			x.hear(h2, ModeIsExclude, group1)
		}, group1, Filter{Include, []netip.Addr{s1, s2, s3}}},
		{"group without mapping", func(x *rig) { x.hear(h1, ModeIsExclude, group3) }, group3, Filter{Mode: Exclude}},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := newRig(t, mapped())
			c.tell(x)
			if got := x.r.Filter(c.group); !got.Equal(c.want) {
				t.Errorf("%v is sent, not %v", got, c.want)
			}
			for _, s := range []netip.Addr{s1, s2, s3, addr("2001:db8::99")} {
				if x.r.Wants(c.group, s) != c.want.wants(s) {
					t.Errorf("source %v: %v", s, !c.want.wants(s))
				}
			}
		})
	}
}

// The database holds what hosts have reported, so the mapping can be changed at any time.
func TestSSMMappingAtRunTime(t *testing.T) {
	x := newRig(t, DefaultConfig())
	x.hearV1(h1, TypeReportV1, group1)
	x.configure(mapped())
	if got := x.r.Filter(group1); got.Mode != Include || !slices.Contains(x.fx.Groups, group1) {
		t.Errorf("%v is sent with the mapping; groups %v", got, x.fx.Groups)
	}
	if g, _ := x.r.GroupState(x.now, group1); len(g.Hosts) != 1 || !g.Hosts[0].Mapped || !g.Hosts[0].V1 {
		t.Errorf("shown as %+v", g)
	}
	x.configure(DefaultConfig())
	if got := x.r.Filter(group1); got.Mode != Exclude {
		t.Errorf("%v is sent without the mapping", got)
	}
}

// The last host that names no sources leaves. The router sends queries before it stops the
// mapped sources. It also does so for a source that a host has named.
func TestLeavesWithSSMMapping(t *testing.T) {
	x := newRig(t, mapped())
	x.run(after(time.Minute))
	x.hearV1(h1, TypeReportV1, group1)
	x.hearV1(h1, TypeDone, group1)
	if len(x.fx.Queries) != 1 || !x.r.Wants(group1, s1) {
		t.Error("ended without asking")
	}
	x.run(x.now.Add(3 * time.Second))
	if x.r.Wants(group1, s1) {
		t.Error("never ends")
	}

	x = newRig(t, mapped())
	x.run(after(time.Minute))
	x.hear(h1, ModeIsExclude, group1)
	x.hear(h2, AllowNewSources, group1, s1, s3)
	x.hear(h2, BlockOldSources, group1, s1, s3)
	if len(x.fx.Queries) != 1 || !slices.Equal(x.fx.Queries[0].Sources, []netip.Addr{s3}) || !x.r.Wants(group1, s3) {
		t.Errorf("queries %v, still sent %v", x.fx.Queries, x.r.Wants(group1, s3))
	}
}

func TestSSMMappingUnderGroupPolicy(t *testing.T) {
	cfg := mapped()
	cfg.GroupPolicy = onlyS1
	x := newRig(t, cfg)
	x.hear(h1, ModeIsExclude, group1)
	if got := x.r.Filter(group1); !got.Equal(Filter{Include, []netip.Addr{s1}}) {
		t.Errorf("%v is sent", got)
	}
	cfg.SSMMapping = mapping[1:]
	x = newRig(t, cfg)
	x.hear(h1, ModeIsExclude, group1)
	if x.r.hasListeners(group1) {
		t.Error("a group of whose mapped sources none is permitted was joined")
	}
}

func TestStaticGroups(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Static = []StaticGroup{{group1, s1}, {group1, s2}, {Group: group3}, {Group: addr("ff02::5")}}
	x := newRig(t, cfg)
	if got := slices.SortedFunc(x.r.Groups(), netip.Addr.Compare); !slices.Equal(got, []netip.Addr{group3, group1}) {
		t.Errorf("groups %v", got)
	}
	x.run(after(time.Hour))
	if got := x.r.Filter(group1); !got.Equal(Filter{Include, []netip.Addr{s1, s2}}) || !x.r.Wants(group3, s3) {
		t.Errorf("%v is sent", got)
	}
	for rec := range x.r.Records(x.now) {
		t.Errorf("a record to replicate: %v", rec)
	}
	if g, ok := x.r.GroupState(x.now, group3); !ok || g.Static.Mode != Exclude || g.Uptime != time.Hour || g.Expires != 0 {
		t.Errorf("shown as %+v, %v", g, ok)
	}

	// Hosts add sources. A source that stays wanted is not queried when they leave.
	x.hear(h1, AllowNewSources, group1, s1, s3)
	x.hear(h1, BlockOldSources, group1, s1, s3)
	if len(x.fx.Queries) != 1 || !slices.Equal(x.fx.Queries[0].Sources, []netip.Addr{s3}) {
		t.Errorf("queries %v", x.fx.Queries)
	}
	x.hear(h1, ModeIsExclude, group3)
	x.hear(h1, ChangeToInclude, group3)
	if len(x.fx.Queries) > 0 || x.r.State(x.now).Groups != 2 {
		t.Errorf("queries %v, %d groups", x.fx.Queries, x.r.State(x.now).Groups)
	}

	x.run(x.now.Add(10 * time.Second))
	cfg.Static = cfg.Static[:1]
	x.configure(cfg)
	if !slices.Contains(x.fx.Groups, group1) || !slices.Contains(x.fx.Groups, group3) || len(x.fx.Changed) > 0 {
		t.Errorf("groups %v, changed %v", x.fx.Groups, x.fx.Changed)
	}
	if x.r.Wants(group1, s2) || !x.r.Wants(group1, s1) || x.r.Wants(group3, s1) {
		t.Error("what is not static any more is sent, or what is static is not")
	}
}

// Policies do not apply to groups that the operator has configured by name. A mapping does.
func TestStaticGroupsUnderPolicyAndMapping(t *testing.T) {
	cfg := mapped()
	cfg.GroupPolicy = &Policy{}
	cfg.AccessLimit = 1
	cfg.Static = []StaticGroup{{Group: group1}, {Group: group3}}
	x := newRig(t, cfg)
	if got := x.r.Filter(group1); !got.Equal(Filter{Include, []netip.Addr{s1, s2}}) {
		t.Errorf("%v is sent of the mapped group", got)
	}
	if !x.r.Wants(group3, s1) || x.r.State(x.now).Entries != 0 {
		t.Error("a static group is denied or counted")
	}
}
