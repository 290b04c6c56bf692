package mld

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

// TestTellAnew: within a second, every group is reported upstream once more. Only the
// querier sends a query.
func TestTellAnew(t *testing.T) {
	p := NewProxy(DefaultConfig(), rand.New(rand.NewPCG(1, 1)), after(0))
	p.SetLink(after(0), netip.MustParseAddr("fe80::a"), true)
	group := netip.MustParseAddr("ff3e::8000:1")
	p.Want(after(0), group, Filter{Sources: []netip.Addr{netip.MustParseAddr("2001:db8::1")}})
	var fx Effects
	now := after(0)
	run := func(d time.Duration) {
		for end := now.Add(d); ; {
			at := p.Deadline()
			if !at.IsDue(end) {
				now = end
				return
			}
			now = max(now, at)
			p.Advance(now, &fx)
		}
	}
	run(time.Minute)
	fx.Reset()
	run(time.Minute)
	if len(fx.Reports) != 0 {
		t.Fatalf("%d reports in peace", len(fx.Reports))
	}
	p.ReportAll(now)
	run(time.Second)
	var pkt Packet
	if len(fx.Reports) != 1 || pkt.Parse(fx.Reports[0].Payload) != nil || len(pkt.Records) != 1 || pkt.Records[0].Group != group {
		t.Errorf("reports %v, %+v", fx.Reports, pkt.Records)
	}

	for _, duty := range []bool{true, false} {
		var asked Effects
		r := NewRouter(DefaultConfig(), 1, after(0))
		r.SetLink(after(0), netip.MustParseAddr("fe80::a"), true, &asked)
		r.SetQuerierDuty(after(0), duty, &asked)
		asked.Reset()
		r.RestartQueries(after(time.Hour), &asked)
		if got := len(asked.Queries); got > 1 || (got == 1) != duty {
			t.Errorf("duty %v: %d queries", duty, got)
		}
	}
}
