package mld

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

// While the peer cannot be heard of, it may be asking hosts whose answers come
// here; neither they nor another querier's questions may cost a listener its stream.
func TestHeldIsCautious(t *testing.T) {
	x := newRig(t, DefaultConfig())
	x.hear(h1, ModeIsExclude, group1)
	x.r.HoldPeer(0, true, &x.fx)
	x.run(5 * time.Second)
	x.hear(h1, ModeIsInclude, group1, s1)
	x.wantFilter(Exclude)
	x.receive(addr("fe80::9"), &Packet{Type: TypeQuery, Query: Query{Version: 2, Group: group1}})
	x.run(20 * time.Second)
	x.wantFilter(Exclude)
	x.r.HoldPeer(x.now, false, &x.fx)
	x.hear(h1, ModeIsInclude, group1, s1)
	x.run(30 * time.Second)
	x.wantFilter(Include, s1)
}

// What the peer tells of a record counts even if its time had run out while held.
func TestMergeWhileHeld(t *testing.T) {
	x := newRig(t, DefaultConfig())
	rec := Record{Key: Key{group1, h1}, Filter: Filter{Mode: Exclude}, Version: Version{1, 2}, Left: time.Second}
	x.r.Merge(0, rec, &x.fx)
	x.r.HoldPeer(0, true, &x.fx)
	x.run(10 * time.Second)
	// The peer is back for long enough to tell that this device has heard it last.
	rec.Version, rec.Left = Version{1000, 1}, 5*time.Second
	x.r.Merge(x.now, rec, &x.fx)
	x.run(14900 * time.Millisecond)
	x.wantFilter(Exclude)
	x.run(15100 * time.Millisecond)
	x.wantFilter(Include)
}

func lingering(clock uint64, device uint64, left time.Duration, sources ...netip.Addr) Record {
	return Record{Key: Key{group1, nobody}, Filter: Filter{Include, sources}, Version: Version{clock, device}, Left: left}
}

// Leaves of both devices share the record of host ::; each source keeps its own end.
func TestLeavesOfBothDevices(t *testing.T) {
	for _, duty := range []bool{true, false} {
		x := newRig(t, DefaultConfig())
		x.r.SetQuerierDuty(0, duty, &x.fx)
		x.r.Merge(0, lingering(1, 2, 2*time.Second, s1), &x.fx)
		x.clock = 10
		x.hear(h1, ModeIsInclude, group1, s2)
		x.run(time.Second)
		x.hear(h1, BlockOldSources, group1, s2)
		x.wantFilter(Include, s1, s2)
		x.run(1990 * time.Millisecond)
		x.wantFilter(Include, s1, s2)
		x.run(2 * time.Second)
		x.wantFilter(Include, s2)
		x.run(3100 * time.Millisecond)
		x.wantFilter(Include)
	}
}

// The peer's record is the peer's to shorten.
func TestPeersLeaveIsNotTrimmed(t *testing.T) {
	x := newRig(t, DefaultConfig())
	x.hear(h1, ModeIsInclude, group1, s1)
	x.hear(h1, BlockOldSources, group1, s1)
	x.run(time.Second)
	x.r.Merge(x.now, lingering(1000, 2, 2*time.Second, s1, s2), &x.fx)
	x.run(2500 * time.Millisecond)
	x.wantFilter(Include, s1, s2)
	if slices.ContainsFunc(x.fx.Changed, func(k Key) bool { return k.Host == nobody }) {
		t.Error("rewrote the peer's record")
	}
	x.run(3100 * time.Millisecond)
	x.wantFilter(Include)
}

// An MLDv1 record that a done has overtaken on the way is lowered, and never raised.
func TestDoneOvertakesReport(t *testing.T) {
	for _, left := range []time.Duration{time.Second, time.Minute} {
		x := newRig(t, DefaultConfig())
		done := Record{Key: Key{group1, nobody}, Filter: Filter{Mode: Exclude}, V1: true, Version: Version{20, 2}, Left: 2 * time.Second}
		report := Record{Key: Key{group1, h1}, Filter: Filter{Mode: Exclude}, V1: true, Version: Version{10, 2}, Left: left}
		x.r.Merge(0, done, &x.fx)
		x.r.Merge(0, report, &x.fx)
		if rec, _ := x.r.Get(report.Key); rec.Left != min(left, 2*time.Second) {
			t.Errorf("left %v of %v", rec.Left, left)
		}
		report.Version.Clock, report.Left = 30, time.Minute // said again after the done
		x.r.Merge(0, report, &x.fx)
		if rec, _ := x.r.Get(report.Key); rec.Left != time.Minute {
			t.Errorf("left %v after a new report", rec.Left)
		}
	}
}

// A done of the peer that comes while its records are held still ends them once
// they are not.
func TestDoneIsKeptThroughTheHold(t *testing.T) {
	x := newRig(t, DefaultConfig())
	x.r.Merge(0, Record{Key: Key{group1, h1}, Filter: Filter{Mode: Exclude}, V1: true, Version: Version{10, 2}, Left: time.Minute}, &x.fx)
	x.r.HoldPeer(0, true, &x.fx)
	leaving := Key{group1, netip.IPv6Unspecified()}
	x.r.Merge(0, Record{Key: leaving, Filter: Filter{Mode: Exclude}, V1: true, Version: Version{20, 2}, Left: 2 * time.Second}, &x.fx)
	x.r.HoldPeer(0, false, &x.fx)
	x.run(2100 * time.Millisecond)
	x.wantFilter(Include)
}

// The leave of a host that joined by way of the peer, while neither hears the
// other, is there to be told.
func TestLeaveOfAnUnknownHostIsKeptWhileApart(t *testing.T) {
	x := newRig(t, DefaultConfig())
	x.hear(h1, ChangeToInclude, group1)
	if _, ok := x.r.Get(Key{group1, h1}); ok {
		t.Error("a leave of a host that nobody knows made a record")
	}
	x.r.SetApart(true)
	x.hear(h1, ChangeToInclude, group1)
	if rec, ok := x.r.Get(Key{group1, h1}); !ok || !rec.Deleted {
		t.Errorf("while apart a leave made %v, %+v, want a tombstone", ok, rec)
	}
}
