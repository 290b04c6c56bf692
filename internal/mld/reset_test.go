package mld

import (
	"slices"
	"testing"
	"time"
)

// TestResetGroup: who still listens misses nothing, whoever does not is forgotten, and nothing
// is reset where nobody asks.
func TestResetGroup(t *testing.T) {
	for name, prompt := range map[string]bool{"": false, "with prompt leave": true} {
		t.Run("MLDv2 "+name, func(t *testing.T) {
			cfg := DefaultConfig()
			cfg.PromptLeave = prompt
			x := newRig(t, cfg)
			x.hear(h1, ModeIsExclude, group1)
			x.hear(h2, ModeIsInclude, group1, s1)
			x.fx.Reset()
			x.r.ResetGroup(x.now, x.version(), group1, &x.fx)
			x.wantKeys(nobody, h2, h1)
			if len(x.fx.Queries) != 1 || describe(x.fx.Queries[0]) != group1.String() || x.fx.Queries[0].Suppress {
				t.Errorf("queries %+v", x.fx.Queries)
			}
			x.wantFilter(Exclude)
			x.run(after(900 * time.Millisecond))
			x.hear(h2, ModeIsInclude, group1, s1)
			x.run(after(1999 * time.Millisecond))
			x.wantFilter(Exclude)
			x.run(after(3 * time.Second))
			x.wantFilter(Include, s1)
		})
	}
	t.Run("MLDv1", func(t *testing.T) {
		x := newRig(t, DefaultConfig())
		x.hearV1(h1, TypeReportV1, group1)
		x.r.ResetGroup(x.now, x.version(), group1, &x.fx)
		if got, want := x.run(after(1500*time.Millisecond)), []string{"1s " + group1.String()}; !slices.Equal(got, want) {
			t.Errorf("queries %q, want %q", got, want)
		}
		x.hearV1(h2, TypeReportV1, group1)
		x.run(after(10 * time.Second))
		x.wantFilter(Exclude)
	})
	t.Run("another querier", func(t *testing.T) {
		x := newRig(t, DefaultConfig())
		x.hear(h1, ModeIsExclude, group1)
		x.receive(better, &Packet{Type: TypeQuery, Query: Query{Version: 2, Group: nobody, MaxResponse: time.Second, Robustness: 2, QueryInterval: time.Minute}})
		x.fx.Reset()
		x.r.ResetGroup(x.now, x.version(), group1, &x.fx)
		x.wantKeys()
		x.wantFilter(Exclude)
	})
}
