package pairtest

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// arrivingGap is for how long listeners may miss a stream that comes in at one device no more: a
// machine that runs the tests of many packages may be late.
const arrivingGap = 150 * time.Millisecond

// arrivingPair is a pair that shares some streams which a host receives.
func arrivingPair(t *testing.T, groups ...netip.Addr) (p *pair, s *source, all []*listener) {
	p = newPair(t)
	p.start()
	s = p.stream(groups...)
	for _, g := range groups {
		source := noSource
		if g == ssmGroup {
			source = sourceAddr
		}
		l := p.join(g, source)
		l.awaits(s)
		all = append(all, l)
	}
	p.forms(len(groups))
	p.a.hasDuty("shared", "0", true)
	p.b.hasDuty("shared", "1", true)
	time.Sleep(2 * time.Second) // the devices learn how the streams come in
	return p, s, all
}

// miss fails where a listener has missed more than a time's worth of packets since a position.
func miss(t *testing.T, what string, all []*listener, s *source, from uint32, most time.Duration) {
	t.Helper()
	to := s.position()
	for _, l := range all {
		missed := time.Duration(l.missed(from, to)) * streamInterval
		t.Logf("%s: %s is missed for %v", what, l.group, missed)
		if missed > most {
			t.Errorf("%s: %s is missed for %v", what, l.group, missed)
		}
	}
}

// TestUpstreamDeliversNothing: the upstream link of a device has carrier and delivers nothing. The peer sends everything
// within the limit, and the device is not ready. Nothing is missed when it takes its half back.
func TestUpstreamDeliversNothing(t *testing.T) {
	p, s, all := arrivingPair(t, ssmGroup, asmGroup, lateGroup)
	for range 2 {
		from := s.position()
		p.a.silence(upLink)
		p.b.hasDuty("sole", "all", true)
		for _, l := range all {
			l.awaits(s)
		}
		miss(t, "A gets nothing", all, s, from, arrivingGap)
		from = s.position()
		p.a.speaks()
		p.a.hasDuty("shared", "0", true)
		p.b.hasDuty("shared", "1", true)
		time.Sleep(2 * time.Second)
		miss(t, "A gets everything again", all, s, from, 0)
	}
	oneStreamIsLost(t, p, s, all)
}

// lackingStream is what a device shows of a stream that arrives at one of the two only.
type lackingStream struct {
	Group   netip.Addr `json:"group"`
	Here    *bool      `json:"arrives-here"`
	Peer    *bool      `json:"arrives-at-peer"`
	InStead string     `json:"sent-in-stead-by"`
	For     float64    `json:"in-stead-for"`
}

// showsLacking waits until a device shows what it is to show of the streams that arrive at one device only.
func (d *device) showsLacking(want ...lackingStream) {
	d.t.Helper()
	eventually(d.t, fmt.Sprintf("%s shows %d lacking streams", d.name, len(want)), func() error {
		var got struct {
			Entries []lackingStream `json:"entries"`
		}
		if err := d.display("multicast ipv6 arriving lacking", &got); err != nil {
			return err
		}
		same := func(a, b lackingStream) bool {
			return a.Group == b.Group && *a.Here == *b.Here && *a.Peer == *b.Peer && a.InStead == b.InStead && a.For < 60
		}
		if !slices.EqualFunc(got.Entries, want, same) {
			return fmt.Errorf("it shows %+v", got.Entries)
		}
		return nil
	})
}

// oneStreamIsLost: one of the streams arrives at A no more. B sends it, both devices stay ready, and show what is
// lacking where.
func oneStreamIsLost(t *testing.T, p *pair, s *source, all []*listener) {
	yes, no := true, false
	from := s.position()
	p.a.losesGroup(upLink, asmGroup)
	p.a.showsLacking(lackingStream{Group: asmGroup, Here: &no, Peer: &yes, InStead: "the peer"})
	p.b.showsLacking(lackingStream{Group: asmGroup, Here: &yes, Peer: &no, InStead: "this device"})
	p.a.hasAlarms("STREAMS_LACKING")
	p.a.hasDuty("shared", "0", true)
	p.b.hasDuty("shared", "1", true)
	miss(t, "A lacks one stream", all, s, from, arrivingGap)
	from = s.position()
	p.a.speaks()
	p.a.showsLacking()
	p.b.showsLacking()
	p.a.hasAlarms()
	miss(t, "A gets it again", all, s, from, 0)
}

// TestSourceStops: a source that stops, for both devices, changes nothing.
func TestSourceStops(t *testing.T) {
	p, s, all := arrivingPair(t, ssmGroup, asmGroup)
	for range 5 {
		s.mu.Lock() // it sends nothing meanwhile
		time.Sleep(time.Second)
		s.mu.Unlock()
		for _, l := range all {
			l.awaits(s)
		}
		time.Sleep(time.Second)
	}
	p.a.hasDuty("shared", "0", true)
	p.b.hasDuty("shared", "1", true)
}
