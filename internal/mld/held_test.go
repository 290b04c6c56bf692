package mld

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestHeldIsCautious: while the replication channel is down, hosts may send their answers
// to the peer's queries here. Neither these answers nor another querier's queries may end
// the stream of a listener.
func TestHeldIsCautious(t *testing.T) {
	x := newRig(t, DefaultConfig())
	x.hear(h1, ModeIsExclude, group1)
	x.r.RetainPeer(after(0), x.version(), true, &x.fx)
	x.run(after(5 * time.Second))
	x.hear(h1, ModeIsInclude, group1, s1)
	x.wantFilter(Exclude)
	x.receive(addr("fe80::9"), &Packet{Type: TypeQuery, Query: Query{Version: 2, Group: group1}})
	x.run(after(20 * time.Second))
	x.wantFilter(Exclude)
	x.r.RetainPeer(x.now, x.version(), false, &x.fx)
	x.hear(h1, ModeIsInclude, group1, s1)
	x.run(after(30 * time.Second))
	x.wantFilter(Include, s1)
}

// The peer sends a version of a record. The version is applied even if the retained
// record has already expired.
func TestMergeWhileHeld(t *testing.T) {
	x := newRig(t, DefaultConfig())
	rec := Record{Key: Key{group1, h1}, Filter: Filter{Mode: Exclude}, Version: Version{1, 2}, Left: time.Second}
	x.r.Merge(after(0), rec, &x.fx)
	x.r.RetainPeer(after(0), x.version(), true, &x.fx)
	x.run(after(10 * time.Second))
	// The peer is connected just long enough to report that this device has received the
	// host's last report.
	rec.Version, rec.Left = Version{1000, 1}, 5*time.Second
	x.r.Merge(x.now, rec, &x.fx)
	x.run(after(14900 * time.Millisecond))
	x.wantFilter(Exclude)
	x.run(after(15100 * time.Millisecond))
	x.wantFilter(Include)
}

func lingering(clock uint64, device uint64, left time.Duration, sources ...netip.Addr) Record {
	return Record{Key: Key{group1, nobody}, Filter: Filter{Include, sources}, Version: Version{clock, device}, Left: left}
}

// Leaves on both devices share the record of host ::. Each source keeps its own end time.
func TestLeavesOfBothDevices(t *testing.T) {
	for _, duty := range []bool{true, false} {
		x := newRig(t, DefaultConfig())
		x.r.SetQuerierDuty(after(0), duty, &x.fx)
		x.r.Merge(after(0), lingering(1, 2, 2*time.Second, s1), &x.fx)
		x.clock = 10
		x.hear(h1, ModeIsInclude, group1, s2)
		x.run(after(time.Second))
		x.hear(h1, BlockOldSources, group1, s2)
		x.wantFilter(Include, s1, s2)
		x.run(after(1990 * time.Millisecond))
		x.wantFilter(Include, s1, s2)
		x.run(after(2 * time.Second))
		x.wantFilter(Include, s2)
		x.run(after(3100 * time.Millisecond))
		x.wantFilter(Include)
	}
}

// TestPeersLeaveIsNotTrimmed: only the device that has written a leave record may shorten
// it.
func TestPeersLeaveIsNotTrimmed(t *testing.T) {
	x := newRig(t, DefaultConfig())
	x.hear(h1, ModeIsInclude, group1, s1)
	x.hear(h1, BlockOldSources, group1, s1)
	x.run(after(time.Second))
	x.r.Merge(x.now, lingering(1000, 2, 2*time.Second, s1, s2), &x.fx)
	x.run(after(2500 * time.Millisecond))
	x.wantFilter(Include, s1, s2)
	if slices.ContainsFunc(x.fx.Changed, func(k Key) bool { return k.Host == nobody }) {
		t.Error("rewrote the peer's record")
	}
	x.run(after(3100 * time.Millisecond))
	x.wantFilter(Include)
}

// TestDoneOvertakesReport: when a Done arrives before an older MLDv1 record, the record is
// shortened and never prolonged.
func TestDoneOvertakesReport(t *testing.T) {
	for _, left := range []time.Duration{time.Second, time.Minute} {
		x := newRig(t, DefaultConfig())
		done := Record{Key: Key{group1, nobody}, Filter: Filter{Mode: Exclude}, V1: true, Version: Version{20, 2}, Left: 2 * time.Second}
		report := Record{Key: Key{group1, h1}, Filter: Filter{Mode: Exclude}, V1: true, Version: Version{10, 2}, Left: left}
		x.r.Merge(after(0), done, &x.fx)
		x.r.Merge(after(0), report, &x.fx)
		if rec, _ := x.r.Get(x.now, report.Key); rec.Left != min(left, 2*time.Second) {
			t.Errorf("left %v of %v", rec.Left, left)
		}
		report.Version.Clock, report.Left = 30, time.Minute // a report after the Done
		x.r.Merge(after(0), report, &x.fx)
		if rec, _ := x.r.Get(x.now, report.Key); rec.Left != time.Minute {
			t.Errorf("left %v after a new report", rec.Left)
		}
	}
}

// TestDoneIsKeptThroughTheHold: a Done arrives from the peer while the peer's records are
// retained. These records end with the retention.
func TestDoneIsKeptThroughTheHold(t *testing.T) {
	x := newRig(t, DefaultConfig())
	x.r.Merge(after(0), Record{Key: Key{group1, h1}, Filter: Filter{Mode: Exclude}, V1: true, Version: Version{10, 2}, Left: time.Minute}, &x.fx)
	x.r.RetainPeer(after(0), x.version(), true, &x.fx)
	leaving := Key{group1, netip.IPv6Unspecified()}
	x.r.Merge(after(0), Record{Key: leaving, Filter: Filter{Mode: Exclude}, V1: true, Version: Version{20, 2}, Left: 2 * time.Second}, &x.fx)
	x.r.RetainPeer(after(0), x.version(), false, &x.fx)
	x.run(after(2100 * time.Millisecond))
	x.wantFilter(Include)
}

// TestLeaveOfAnUnknownHostIsKeptWhileApart: a host has joined through the peer. It leaves
// here while the devices cannot communicate. The leave is kept and sent to the peer later.
func TestLeaveOfAnUnknownHostIsKeptWhileApart(t *testing.T) {
	x := newRig(t, DefaultConfig())
	x.hear(h1, ChangeToInclude, group1)
	if _, ok := x.r.Get(x.now, Key{group1, h1}); ok {
		t.Error("a leave of a host that nobody knows made a record")
	}
	x.r.SetPartitioned(x.now, x.version(), true, &x.fx)
	x.hear(h1, ChangeToInclude, group1)
	if rec, ok := x.r.Get(x.now, Key{group1, h1}); !ok || !rec.Deleted {
		t.Errorf("while apart a leave made %v, %+v, want a tombstone", ok, rec)
	}
}

// A querier takes over a pending leave with little time left, because the other querier
// is gone or disconnected. It gives the hosts enough time to answer one of two queries.
func TestLeaveTakenUpHasItsTime(t *testing.T) {
	const left = 1300 * time.Millisecond
	taken := func(t *testing.T, takeOverLeave func(x *rig)) {
		x := newRig(t, DefaultConfig())
		x.r.SetQuerierDuty(after(0), false, &x.fx)
		x.hearV1(h1, TypeReportV1, group1)
		x.run(after(time.Second))
		takeOverLeave(x)
		queries := slices.DeleteFunc(x.run(after(2500*time.Millisecond)), func(q string) bool { return strings.HasSuffix(q, "general") })
		if want := []string{"1s " + group1.String(), "2s " + group1.String()}; !slices.Equal(queries, want) {
			t.Errorf("it asks %q, want %q", queries, want)
		}
		if !slices.Contains(x.fx.Changed, Key{group1, nobody}) {
			t.Error("the peer is not told that the group lingers longer")
		}
		x.run(after(2990 * time.Millisecond))
		x.wantFilter(Exclude)
		x.run(after(3100 * time.Millisecond))
		x.wantFilter(Include) // no host has answered
	}
	done := Record{Key: Key{group1, nobody}, Filter: Filter{Mode: Exclude}, Version: Version{1000, 2}, V1: true, Left: left}
	t.Run("by duty", func(t *testing.T) {
		taken(t, func(x *rig) {
			x.r.Merge(x.now, done, &x.fx)
			x.clock = 2000
			x.r.SetQuerierDuty(x.now, true, &x.fx)
		})
	})
	t.Run("when the channel is back", func(t *testing.T) {
		taken(t, func(x *rig) {
			x.r.SetQuerierDuty(x.now, true, &x.fx)
			x.r.SetPartitioned(x.now, x.version(), true, &x.fx)
			x.clock = 2000
			x.r.Merge(x.now, done, &x.fx)
		})
	})
}

// A router keeps an MLDv1 group because it could not send a query. Its peer keeps the
// group for the same time.
func TestWhatIsKeptUnaskedIsTold(t *testing.T) {
	p := newPair(t, DefaultConfig())
	p.b.hearV1(h1, TypeReportV1, group1)
	p.b.replicate(p.a)
	p.a.hearV1(h2, TypeReportV1, group1) // for the peer it is a record of this device, until it ends here
	p.a.replicate(p.b)
	p.b.run(after(100 * time.Second))
	p.b.hearV1(h1, TypeDone, group1)
	p.b.fx.Reset()
	p.b.r.SetPartitioned(p.b.now, p.b.version(), true, &p.b.fx)
	p.b.r.RetainPeer(p.b.now, p.b.version(), true, &p.b.fx)
	p.a.run(p.b.now)
	p.b.replicate(p.a)
	p.b.r.SetPartitioned(p.b.now, p.b.version(), false, &p.b.fx)
	if rec, _ := p.b.r.Get(p.b.now, Key{group1, h2}); rec.Left != 160*time.Second {
		t.Errorf("what the peer heard has %v left", rec.Left)
	}
	if d := cmp.Diff(live(p.b.r), live(p.a.r), byAddr); d != "" {
		t.Errorf("the databases differ (-b +a):\n%s", d)
	}
	for _, x := range []*rig{p.a, p.b} {
		x.run(after(359 * time.Second))
		x.wantFilter(Exclude)
		x.run(after(361 * time.Second))
		x.wantFilter(Include)
	}
}

// TestExpiryApartIsTold: a record expires while the channel to the peer is down. When the
// channel is up again, this ends the older version of the record at the peer, but no
// newer one.
func TestExpiryApartIsTold(t *testing.T) {
	for _, newer := range []bool{false, true} {
		p := newPair(t, DefaultConfig())
		p.a.hear(h1, ModeIsExclude, group1)
		p.a.replicate(p.b)
		p.a.r.SetPartitioned(after(0), p.a.version(), true, &p.a.fx)
		p.b.r.RetainPeer(after(0), p.b.version(), true, &p.b.fx)
		p.a.run(after(10 * time.Second))
		p.a.hear(h1, ModeIsExclude, group1) // the peer does not receive this
		if newer {
			p.b.run(after(100 * time.Second))
			p.b.clock = 100
			p.b.hear(h1, ModeIsExclude, group1)
		}
		p.a.run(after(275 * time.Second))
		p.a.wantFilter(Include)
		p.b.run(after(275 * time.Second))
		p.synchronise()
		want := Include
		if newer {
			want = Exclude
		}
		p.a.wantFilter(want)
		p.b.wantFilter(want)
	}
}

// When the devices are connected again, the retention ends at once. A record that a Done
// has shortened meanwhile ends when it ends at the peer.
func TestNothingIsHeldTogether(t *testing.T) {
	x := newRig(t, DefaultConfig())
	x.r.SetQuerierDuty(after(0), false, &x.fx)
	rec := Record{Key: Key{group1, h1}, Filter: Filter{Mode: Exclude}, Version: Version{1, 2}, V1: true, Left: 200 * time.Second}
	x.r.Merge(after(0), rec, &x.fx)
	x.r.SetPartitioned(after(0), x.version(), true, &x.fx)
	x.r.RetainPeer(after(0), x.version(), true, &x.fx)
	x.run(after(10 * time.Second))
	done := Record{Key: Key{group1, nobody}, Filter: Filter{Mode: Exclude}, Version: Version{1000, 2}, V1: true, Left: 50 * time.Millisecond}
	x.r.Merge(x.now, done, &x.fx)
	x.r.SetPartitioned(x.now, x.version(), false, &x.fx)
	x.run(after(10060 * time.Millisecond))
	x.wantFilter(Include)
	x.r.RetainPeer(x.now, x.version(), false, &x.fx) // this comes a moment later
	x.wantFilter(Include)
}

// A leave ends the record that the peer has just sent, and the last listener query time
// is nearly over. That time begins again. Otherwise the peer, which does not know of the
// leave yet, would keep the record that ends here.
func TestLeaveIsToldBeforeItIsOver(t *testing.T) {
	x := newRig(t, DefaultConfig())
	x.r.SetPartitioned(after(0), x.version(), true, &x.fx)
	x.hearV1(h1, TypeReportV1, group1)
	x.run(after(10 * time.Second))
	x.clock = 2000
	x.hearV1(h1, TypeDone, group1)
	x.run(after(11950 * time.Millisecond))
	told := Record{Key: Key{group1, h2}, Filter: Filter{Mode: Exclude}, Version: Version{1000, 2}, V1: true, Left: 250 * time.Second}
	x.r.Merge(x.now, told, &x.fx)
	x.run(x.now)
	if rec, _ := x.r.Get(x.now, Key{group1, nobody}); rec.Left != x.r.inUse.LastListenerQueryTime() || !slices.Contains(x.fx.Changed, rec.Key) {
		t.Errorf("the leave has %v left, the peer is told of %v", rec.Left, x.fx.Changed)
	}
}

// A Done ends before the channel is in sync, and leaves a retained record alive. The peer
// had lost its own record and has received both since then. It learns that the record
// lives.
func TestHeldRecordOutlivesTheDone(t *testing.T) {
	x, empty := newRig(t, DefaultConfig()), newRig(t, DefaultConfig())
	rec := Record{Key: Key{group1, h1}, Filter: Filter{Mode: Exclude}, Version: Version{1, 2}, V1: true, Left: 200 * time.Second}
	done := Record{Key: Key{group1, nobody}, Filter: Filter{Mode: Exclude}, Version: Version{2, 2}, V1: true, Left: 2 * time.Second}
	x.r.Merge(after(0), rec, &x.fx)
	x.r.Merge(after(0), done, &x.fx)
	x.clock = 10
	x.r.SetPartitioned(after(0), x.version(), true, &x.fx)
	x.r.RetainPeer(after(0), x.version(), true, &x.fx)
	x.run(after(1990 * time.Millisecond))
	empty.now = x.now
	for rec := range x.r.Records(x.now) {
		empty.r.Merge(x.now, rec, &empty.fx)
	}
	x.run(after(2010 * time.Millisecond))
	empty.run(x.now)
	empty.wantFilter(Include)
	x.fx.Reset()
	x.r.SetPartitioned(x.now, x.version(), false, &x.fx)
	x.replicate(empty)
	for _, r := range []*rig{x, empty} {
		r.wantFilter(Exclude)
		r.run(after(199 * time.Second))
		r.wantFilter(Exclude)
		r.run(after(201 * time.Second))
		r.wantFilter(Include)
	}
}

// A record was refreshed before its retention began. The calendar still holds its older
// end time. The record has not expired by then, so nothing is sent to the peer when the
// channel is up again.
func TestHeldRecordThatWasRefreshedIsNotGivenBack(t *testing.T) {
	x := newRig(t, DefaultConfig())
	rec := Record{Key: Key{group1, h1}, Filter: Filter{Mode: Exclude}, Version: Version{1, 2}, Left: 20 * time.Second}
	x.r.Merge(after(0), rec, &x.fx)
	rec.Version, rec.Left = Version{2, 2}, 260*time.Second
	x.r.Merge(after(0), rec, &x.fx)
	x.r.SetPartitioned(after(0), x.version(), true, &x.fx)
	x.r.RetainPeer(after(0), x.version(), true, &x.fx)
	x.run(after(30 * time.Second))
	x.fx.Reset()
	x.r.SetPartitioned(x.now, x.version(), false, &x.fx)
	if len(x.fx.Changed) > 0 {
		t.Errorf("%v is given back", x.fx.Changed)
	}
}
