package mld

import (
	"slices"
	"testing"
	"time"
)

func TestLastListener(t *testing.T) {
	t.Run("group", func(t *testing.T) {
		x := newRig(t, DefaultConfig())
		x.hear(h1, ModeIsExclude, group1)
		x.hear(h1, ChangeToInclude, group1)
		x.wantKeys(nobody, h1)
		if len(x.fx.Queries) != 1 || describe(x.fx.Queries[0]) != "ff3e::8000:1" || x.fx.Queries[0].MaxResponse != time.Second {
			t.Errorf("queries %+v", x.fx.Queries)
		}
		g, _ := x.r.GroupState(x.now, group1)
		if g.LastListenerQueriesLeft != 1 || g.LastListenerQueryIn != time.Second || len(g.Hosts) != 1 || g.Hosts[0].Host != nobody {
			t.Errorf("group state %+v", g)
		}
		x.wantFilter(Exclude)
		if got, want := x.run(after(1990*time.Millisecond)), []string{"1s ff3e::8000:1"}; !slices.Equal(got, want) {
			t.Errorf("queries %q, want %q", got, want)
		}
		x.wantFilter(Exclude)
		x.run(after(2 * time.Second))
		x.wantFilter(Include)
		if !slices.Contains(x.fx.Groups, group1) {
			t.Error("the end of the group is not told")
		}
		if rec, ok := x.r.Get(x.now, Key{group1, h1}); !ok || !rec.Deleted {
			t.Error("no tombstone")
		} else {
			x.r.Forget(x.now, x.r.HandleOf(rec.Key), Version{})
			if _, ok := x.r.Get(x.now, rec.Key); !ok {
				t.Error("forgotten under a wrong version")
			}
			x.r.Forget(x.now, x.r.HandleOf(rec.Key), rec.Version)
			if _, ok := x.r.Get(x.now, rec.Key); ok {
				t.Error("not forgotten")
			}
		}
	})
	t.Run("another listener", func(t *testing.T) {
		x := newRig(t, DefaultConfig())
		x.hear(h1, ModeIsExclude, group1)
		x.hear(h2, ModeIsExclude, group1)
		x.hear(h1, ChangeToInclude, group1)
		x.wantKeys(h1)
		if len(x.fx.Queries) != 0 || len(x.fx.Groups) != 0 {
			t.Errorf("a leave that changes nothing: %+v", x.fx)
		}
	})
	t.Run("sources", func(t *testing.T) {
		x := newRig(t, DefaultConfig())
		x.hear(h1, ModeIsInclude, group1, s1, s2)
		x.hear(h2, ModeIsInclude, group1, s1)
		x.hear(h1, BlockOldSources, group1, s1, s2)
		if len(x.fx.Queries) != 1 || describe(x.fx.Queries[0]) != "ff3e::8000:1[2001:db8::2]" {
			t.Errorf("queries %+v", x.fx.Queries)
		}
		x.now = after(500 * time.Millisecond)
		x.hear(h2, BlockOldSources, group1, s1)
		x.wantFilter(Include, s1, s2)
		x.run(after(2 * time.Second))
		x.wantFilter(Include, s1) // each source ends at its own time
		x.wantKeys(nobody)
		x.run(after(2500 * time.Millisecond))
		x.wantFilter(Include)
	})
	t.Run("blocked by the last who excludes", func(t *testing.T) {
		x := newRig(t, DefaultConfig())
		x.hear(h1, ModeIsExclude, group1)
		x.hear(h1, BlockOldSources, group1, s1)
		x.wantFilter(Exclude)
		if len(x.fx.Queries) != 1 || describe(x.fx.Queries[0]) != "ff3e::8000:1[2001:db8::1]" {
			t.Errorf("queries %+v", x.fx.Queries)
		}
		x.run(after(3 * time.Second))
		x.wantFilter(Exclude, s1)
	})
	t.Run("back in time", func(t *testing.T) {
		x := newRig(t, DefaultConfig())
		x.hear(h1, ModeIsInclude, group1, s1)
		x.hear(h1, BlockOldSources, group1, s1)
		x.hear(h1, ModeIsInclude, group1, s1)
		if got, want := x.run(after(3*time.Second)), []string{"1s ff3e::8000:1[2001:db8::1] S"}; !slices.Equal(got, want) {
			t.Errorf("queries %q, want %q", got, want)
		}
		x.wantFilter(Include, s1)
	})
	t.Run("leave while another lingers", func(t *testing.T) {
		x := newRig(t, DefaultConfig())
		x.hear(h1, ModeIsExclude, group1)
		x.hear(h1, ChangeToInclude, group1)
		x.run(after(1500 * time.Millisecond))
		x.hear(h2, ChangeToExclude, group1)
		x.hear(h2, ChangeToInclude, group1)
		x.run(after(3400 * time.Millisecond))
		x.wantFilter(Exclude)
		x.run(after(3510 * time.Millisecond))
		x.wantFilter(Include)
	})
	t.Run("prompt", func(t *testing.T) {
		cfg := DefaultConfig()
		cfg.PromptLeave = true
		x := newRig(t, cfg)
		x.hear(h1, ModeIsExclude, group1)
		x.hear(h1, ChangeToInclude, group1)
		x.wantFilter(Include)
		x.wantKeys(h1)
		if q := x.fx.Queries; len(q) != 1 || q[0].Destination() != group1 || len(q[0].Sources) > 0 || q[0].Suppress {
			t.Errorf("queries %+v, want one in case that the leave was not the host's", q)
		}
		x.hear(h1, ModeIsExclude, group1) // the group was not left: a host answers
		x.wantFilter(Exclude)
	})
	t.Run("prompt, merged", func(t *testing.T) {
		cfg := DefaultConfig()
		cfg.PromptLeave = true
		x := newRig(t, cfg)
		x.hear(h1, ModeIsExclude, group1)
		x.fx.Reset()
		x.r.Merge(x.now, Record{Key: Key{group1, h1}, Deleted: true, Version: Version{1 << 40, 2}, Left: time.Minute}, &x.fx)
		x.wantFilter(Include)
		if q := x.fx.Queries; len(q) != 1 || q[0].Destination() != group1 {
			t.Errorf("queries %+v", q)
		}
	})
}

// An answer to a group-and-source specific query contains only the queried sources.
func TestPartialAnswer(t *testing.T) {
	x := newRig(t, DefaultConfig())
	x.hear(h1, ModeIsExclude, group1)
	x.hear(h2, ModeIsInclude, group1, s1, s2)
	x.hear(h1, ChangeToInclude, group1, s3)
	x.run(after(3 * time.Second))
	x.wantFilter(Include, s1, s2, s3)
	x.hear(h1, BlockOldSources, group1, s3)
	x.hear(h2, ModeIsInclude, group1, s1)
	if !x.r.Wants(group1, s2) {
		t.Error("a partial answer took a source away")
	}
	x.run(after(20 * time.Second))
	x.hear(h2, ModeIsInclude, group1, s1)
	x.run(after(30 * time.Second))
	if x.r.Wants(group1, s2) {
		t.Error("a full answer did not take the source away")
	}
}

func TestV1(t *testing.T) {
	x := newRig(t, DefaultConfig())
	x.hearV1(h1, TypeReportV1, group1)
	x.wantFilter(Exclude)
	if g, _ := x.r.GroupState(x.now, group1); g.V1HostPresent != 260*time.Second || !g.Hosts[0].V1 {
		t.Errorf("group state %+v", g)
	}
	x.hear(h2, ChangeToExclude, group1, s1) // in compatibility mode its source list is ignored
	x.hear(h2, BlockOldSources, group1, s1)
	if c := x.r.State(x.now).Counters; c.Drops.Compat != 1 {
		t.Errorf("drops %+v", c.Drops)
	}
	x.hear(h2, ChangeToInclude, group1)
	x.wantFilter(Exclude)

	// A host whose report was suppressed sends a Done. The router queries, and the answer
	// of another host keeps the group.
	x.hearV1(h2, TypeDone, group1)
	x.wantKeys(nobody)
	if len(x.fx.Queries) != 1 || describe(x.fx.Queries[0]) != "ff3e::8000:1" {
		t.Errorf("queries %+v", x.fx.Queries)
	}
	x.run(after(500 * time.Millisecond))
	x.hearV1(h1, TypeReportV1, group1)
	x.run(after(10 * time.Second))
	x.wantFilter(Exclude)

	x.hearV1(h1, TypeDone, group1)
	x.run(after(11900 * time.Millisecond))
	x.wantFilter(Exclude)
	x.run(after(12010 * time.Millisecond))
	x.wantFilter(Include)
}

// A prompt leave of an MLDv1 host removes only that host.
func TestPromptDone(t *testing.T) {
	cfg := DefaultConfig()
	cfg.PromptLeave = true
	x := newRig(t, cfg)
	x.hearV1(h1, TypeReportV1, group1)
	x.hearV1(h2, TypeReportV1, group1)
	x.hearV1(h1, TypeDone, group1)
	x.wantFilter(Exclude)
	x.hearV1(h2, TypeDone, group1)
	x.wantFilter(Include)
	x.hearV1(h2, TypeDone, group1)                 // sent twice
	x.hearV1(h2, TypeDone, addr("ff02::1:ff00:1")) // not a tracked group
	if len(x.fx.Queries)+len(x.fx.Changed) != 0 {
		t.Errorf("effects %+v", x.fx)
	}
}

// A router that is configured for MLDv1 sends MLDv1 queries.
func TestV1Router(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Version = 1
	x := newRig(t, cfg)
	x.hearV1(h1, TypeReportV1, group1)
	x.hearV1(h1, TypeDone, group1)
	if len(x.fx.Queries) != 1 || x.fx.Queries[0].Version != 1 || x.fx.Queries[0].Destination() != group1 {
		t.Errorf("queries %+v", x.fx.Queries)
	}
}
