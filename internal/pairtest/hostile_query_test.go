package pairtest

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"tandem/internal/event"
	"tandem/internal/linux/testnet"
	"tandem/internal/mld"
)

// stranger is an attacker's host behind the same switch.
type stranger struct {
	*network
	addr netip.Addr
}

// routerAlert is the Router Alert option of an MLD message, padded.
var routerAlert = []byte{5, 2, 0, 0, 1, 0}

// asks sends a query of the attacker: to the query's normal destination, or to the
// destination of p.
func (s stranger) asks(q mld.Query, p testnet.Packet) {
	s.t.Helper()
	p.Src, p.HopLimit, p.Payload = s.addr, 1, mld.AppendQuery(nil, q)
	if !p.Dst.IsValid() {
		p.Dst = q.Destination()
	}
	mld.SetChecksum(p.Src, p.Dst, p.Payload)
	s.host.Send(s.t, bridge, p)
}

// stops sends a query that once stopped all streams of both devices: its query interval is two
// and a half days, and its maximum response time one millisecond.
func (s stranger) stops(p testnet.Packet, groups ...netip.Addr) {
	s.t.Helper()
	const rare = 31744 * time.Second
	s.asks(mld.Query{Version: 2, Group: netip.IPv6Unspecified(), Robustness: 7, QueryInterval: rare, MaxResponse: time.Millisecond}, p)
	for _, g := range groups {
		q := mld.Query{Version: 2, Group: g, Robustness: 7, QueryInterval: rare, MaxResponse: time.Millisecond}
		s.asks(q, p)
		q.Sources = []netip.Addr{sourceAddr}
		s.asks(q, p)
		s.asks(mld.Query{Version: 1, Group: g}, p)
	}
}

// TestHostileQuerier: a host behind the switch claims to be the querier, in every way
// that a router might accept. No listener misses a packet, the device with the duty goes
// on querying, and an alarm is raised.
func TestHostileQuerier(t *testing.T) {
	p, src, ssm, asm := receivingPair(t)
	p.forms(2)
	time.Sleep(10 * time.Second) // after this time, a foreign query cannot be one of the peer, which was the querier just before
	from := src.position()
	host := stranger{p.network, netip.MustParseAddr("fe80::1")}
	for _, d := range []*device{p.a, p.b} {
		p.steer(d.name)
		l, err := d.Links.Link(legLink)
		testnet.Must(t, err)
		hardware := l.HardwareAddr
		host.stops(testnet.Packet{To: hardware, Dst: d.linkLocal(legLink), HopByHop: routerAlert}, ssmGroup, asmGroup)
		host.stops(testnet.Packet{To: hardware, HopByHop: routerAlert}, ssmGroup, asmGroup)
		host.stops(testnet.Packet{}, ssmGroup, asmGroup)
		host.stops(testnet.Packet{HopByHop: routerAlert}, ssmGroup, asmGroup)
	}
	p.steer("a")
	time.Sleep(4 * time.Second) // longer than the effect of any query could last
	for _, l := range []*listener{ssm, asm} {
		if n := l.missed(from+1, src.position()-1); n > 0 {
			t.Errorf("%s missed %d packets", l.group, n)
		}
	}
	eventually(t, "the operator is told", func() error {
		var all []string
		for _, d := range []*device{p.a, p.b} {
			names, err := d.alarms()
			if err != nil {
				return err
			}
			all = append(all, names...)
		}
		if !slices.Contains(all, event.ForeignQuerier.Name) {
			return fmt.Errorf("alarms %q", all)
		}
		return nil
	})
	late := p.join(lateGroup, noSource)
	defer late.leave()
	s := p.stream(lateGroup)
	late.awaits(s)
	asked := 0
	for _, d := range []*device{p.a, p.b} {
		n, err := d.asked()
		testnet.Must(t, err)
		asked += n
		contains(t, d.shows("mld control-message counters"), "query not sent to hosts")
	}
	if asked == 0 {
		t.Error("no device queries any more")
	}
}
