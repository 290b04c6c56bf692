package pairtest

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// arrivingGap is for how long listeners may miss a stream that no longer comes in at one
// device. It allows for a machine that runs the tests of many packages.
const arrivingGap = 150 * time.Millisecond

// arrivingPair returns a pair that shares some streams, and a host that receives them.
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
	time.Sleep(2 * time.Second) // the devices learn the usual intervals of the streams
	return p, s, all
}

// miss fails if a listener has missed more packets since a position than are sent in a
// time.
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

// TestUpstreamDeliversNothing: the upstream link of a device has carrier and delivers
// nothing. The peer sends everything within the limit, and the device is not ready. No
// packet is missed when the device takes its bucket back.
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
		p.a.standsAgainst("Eth-Trunk10", "not ready: streams do not arrive")
		from = s.position()
		p.a.speaks()
		p.a.hasDuty("shared", "0", true)
		p.b.hasDuty("shared", "1", true)
		time.Sleep(2 * time.Second)
		miss(t, "A gets everything again", all, s, from, 0)
	}
	oneStreamIsLost(t, p, s, all)
}

// lackingStream is a line of the display of streams that arrive at one device only.
type lackingStream struct {
	Group   netip.Addr `json:"group"`
	Here    *bool      `json:"arrives-here"`
	Peer    *bool      `json:"arrives-at-peer"`
	InStead string     `json:"sent-in-stead-by"`
	For     float64    `json:"in-stead-for"`
}

// showsLacking waits until a device shows these streams as arriving at one device only.
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

// reload is what a device displays about the reload of one device.
type reload struct {
	Safe    bool                              `json:"safe"`
	Against []struct{ Object, Reason string } `json:"against"`
}

func (r *reload) objects() (objects []string) {
	for _, o := range r.Against {
		objects = append(objects, o.Object)
	}
	return objects
}

// redundancy runs `display redundancy` on a device, and returns what the device displays
// about the reload of its peer and of itself.
func (d *device) redundancy() (peer, self reload, err error) {
	var got struct {
		Peer reload `json:"reload-peer"`
		Self reload `json:"reload-this-device"`
	}
	err = d.display("redundancy", &got)
	return got.Peer, got.Self, err
}

// canBeReloaded waits until the device displays exactly these objects as reasons against
// the reload of its peer and of itself.
func (d *device) canBeReloaded(peer, self []string) {
	d.t.Helper()
	eventually(d.t, fmt.Sprintf("%s tells that %v stands against reloading its peer, %v against itself", d.name, peer, self), func() error {
		p, s, err := d.redundancy()
		if err != nil {
			return err
		}
		if !slices.Equal(p.objects(), peer) || !slices.Equal(s.objects(), self) || p.Safe != (peer == nil) || s.Safe != (self == nil) {
			return fmt.Errorf("it tells %+v and %+v", p, s)
		}
		return nil
	})
}

// standsAgainst waits until a device displays an object as a reason against the reload of
// its peer.
func (d *device) standsAgainst(object, reason string) {
	d.t.Helper()
	eventually(d.t, fmt.Sprintf("%s: %s of %s stands against reloading the peer", d.name, reason, object), func() error {
		peer, _, err := d.redundancy()
		for _, o := range peer.Against {
			if o.Object == object && o.Reason == reason {
				return nil
			}
		}
		return errors.Join(err, fmt.Errorf("it tells %+v", peer))
	})
}

// oneStreamIsLost makes one stream no longer arrive at A. B sends it, both devices stay
// ready, and both show which stream is lacking and where.
func oneStreamIsLost(t *testing.T, p *pair, s *source, all []*listener) {
	yes, no := true, false
	p.a.canBeReloaded(nil, nil)
	p.b.canBeReloaded(nil, nil)
	from := s.position()
	p.a.losesGroup(upLink, asmGroup)
	p.a.showsLacking(lackingStream{Group: asmGroup, Here: &no, Peer: &yes, InStead: "the peer"})
	p.b.showsLacking(lackingStream{Group: asmGroup, Here: &yes, Peer: &no, InStead: "this device"})
	p.a.hasAlarms("STREAMS_LACKING")
	stream := fmt.Sprintf("(%v, %v)", sourceAddr, asmGroup)
	p.a.canBeReloaded([]string{stream}, nil) // B cannot be reloaded, because the stream does not arrive at A
	p.b.canBeReloaded(nil, []string{stream})
	for _, part := range []string{"Safe to reload the peer       : no", stream, "it arrives only at the device to be reloaded, which sends it", "Safe to reload this device    : yes"} {
		contains(t, p.a.shows("redundancy"), part)
	}
	contains(t, p.a.shows("e-trunk 1"), "some streams do not arrive")
	p.a.hasDuty("shared", "0", true)
	p.b.hasDuty("shared", "1", true)
	miss(t, "A lacks one stream", all, s, from, arrivingGap)
	from = s.position()
	p.a.speaks()
	p.a.showsLacking()
	p.b.showsLacking()
	p.a.hasAlarms()
	p.a.canBeReloaded(nil, nil)
	p.b.canBeReloaded(nil, nil)
	contains(t, p.a.shows("redundancy"), "Safe to reload the peer       : yes\n\nSafe to reload this device    : yes\n")
	miss(t, "A gets it again", all, s, from, 0)
}

// TestSourceStops: a source stops, so that its stream is silent at both devices. Nothing
// changes.
func TestSourceStops(t *testing.T) {
	p, s, all := arrivingPair(t, ssmGroup, asmGroup)
	for range 5 {
		s.mu.Lock() // the source sends nothing while it holds the lock
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
