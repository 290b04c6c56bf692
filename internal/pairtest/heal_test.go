package pairtest

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/testnet"
)

// mldTypes counts the MLD messages of one type from an address of a device.
func mldTypes(frames [][]byte, kind byte, from netip.Addr) (n int) {
	const ether, header, hopByHop = 14, 40, 8
	for _, f := range frames {
		if len(f) > ether+header+hopByHop && f[ether+6] == 0 && f[ether+header] == unix.IPPROTO_ICMPV6 &&
			f[ether+header+hopByHop] == kind && netip.AddrFrom16([16]byte(f[ether+8:ether+24])) == from {
			n++
		}
	}
	return n
}

// asked returns how many general queries a device has sent to the hosts, by its counters.
func (d *device) asked() (int, error) {
	sent, _, err := d.messages("General Query")
	return sent, err
}

// messages returns how many messages of a kind a device has sent to the hosts and received.
func (d *device) messages(kind string) (sent, received int, err error) {
	var counters struct {
		Interfaces []struct {
			Messages []struct {
				Type           string `json:"message-type"`
				Sent, Received int
			}
		}
	}
	err = d.display("mld control-message counters", &counters)
	for _, i := range counters.Interfaces {
		for _, m := range i.Messages {
			if m.Type == kind {
				sent, received = sent+m.Sent, received+m.Received
			}
		}
	}
	return sent, received, err
}

// linkLocal is a device's link-local address on a link.
func (d *device) linkLocal(link string) netip.Addr {
	d.t.Helper()
	l, err := d.Links.Link(link)
	if err != nil {
		d.t.Fatal(err)
	}
	return l.LinkLocal
}

// TestSplitBrainHeals cuts the path between the devices while both serve, twice. No
// listener misses a packet. When the devices have found each other again, both send
// reports upstream, and the querier sends a query, once each.
func TestSplitBrainHeals(t *testing.T) {
	const query, report = 130, 143
	p := newPair(t)
	p.start()
	s := p.stream(ssmGroup, asmGroup)
	listeners := []*listener{p.join(ssmGroup, sourceAddr), p.join(asmGroup, noSource)}
	p.forms(2)
	for _, l := range listeners {
		l.awaits(s)
	}
	for range 2 {
		from := s.position()
		p.a.silence(coreLink)
		for _, d := range []*device{p.a, p.b} {
			eventually(t, "device "+d.name+" serves alone", d.sole)
		}
		below := p.host.Capture(t, bridge)
		above := map[*device]func() [][]byte{}
		for _, d := range []*device{p.a, p.b} {
			above[d] = d.Capture(t, upLink)
		}
		asked, err := p.a.asked()
		testnet.Must(t, err)
		p.a.speaks()
		p.forms(2)
		for _, l := range listeners {
			l.awaits(s)
		}
		to := s.position() - 50
		// A second query comes only after a pause, so that hosts are not queried all the time.
		eventually(t, "the querier asks the hosts anew", func() error {
			now, err := p.a.asked()
			if err == nil && now <= asked {
				err = fmt.Errorf("%d general queries", now)
			}
			return err
		})
		time.Sleep(1100 * time.Millisecond) // reports upstream are distributed over a second
		if mldTypes(below(), query, p.a.linkLocal(legLink)) == 0 {
			t.Error("the querier did not ask the hosts anew")
		}
		for d, stop := range above {
			if mldTypes(stop(), report, d.linkLocal(upLink)) == 0 {
				t.Errorf("device %s did not report upstream what it listens to", d.name)
			}
		}
		for _, l := range listeners {
			if missed := l.missed(from, to); missed > 0 {
				t.Errorf("%s missed %d packets", l.group, missed)
			}
		}
	}
}

// TestSessionUsersAreToldOnce: an E-Trunk and a backup service use the same BFD session.
// Each gets one report that the session is lost and one that it is back; counters and log
// agree.
func TestSessionUsersAreToldOnce(t *testing.T) {
	p := newPair(t)
	p.start()
	p.a.configures("remote-backup-service rbs1", "track bfd-session 1")
	p.b.configures("remote-backup-service rbs1", "track bfd-session 2")
	p.forms(0)
	told := func() (f struct {
		Up   int `json:"sessions-told-up"`
		Down int `json:"sessions-told-down"`
	}) {
		t.Helper()
		if err := p.a.display("bfd statistics", &f); err != nil {
			t.Fatal(err)
		}
		return f
	}
	before := told()
	for i := 1; i <= 2; i++ {
		p.a.silence(coreLink)
		eventually(t, "both users have lost the peer", func() error {
			f, err := p.a.trunk()
			if err != nil {
				return err
			}
			v, err := p.a.service()
			if err == nil && (f.PeerAlive || f.Cause != "BFD_DOWN" || v.TCP == "Connected") {
				err = fmt.Errorf("%+v, %+v", f, v)
			}
			return err
		})
		p.a.speaks()
		p.forms(0)
		now := told()
		if now.Down-before.Down != i || now.Up-before.Up != i {
			t.Errorf("after %d losses told %+v, before %+v", i, now, before)
		}
	}
	log := p.a.shows("logbuffer")
	if n := strings.Count(log, "STACHG_TODWN"); n != 2 {
		t.Errorf("the log tells %d times that the session went down:\n%s", n, log)
	}
}
