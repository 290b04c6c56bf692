package pairtest

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"tandem/internal/linux/testnet"
)

// hasDuty waits until a device has a duty on its member and covers the matching buckets, and
// its leg is up or not.
func (d *device) hasDuty(duty, covers string, legUp bool) {
	d.t.Helper()
	eventually(d.t, fmt.Sprintf("device %s has the duty %s, leg up %v", d.name, duty, legUp), func() error {
		all, err := d.eTrunks()
		if err != nil {
			return err
		}
		link, err := d.Links.Link(legLink)
		if e := all[1]; err == nil && (len(e.Duties) != 1 || e.Duties[0].Duty != duty || e.Duties[0].Covers != covers || link.Up != legUp) {
			err = fmt.Errorf("%+v, leg up %v", e, link.Up)
		}
		return err
	})
}

// serves waits until a device serves alone and the other device's leg is down.
func (p *pair) serves(d *device) {
	p.t.Helper()
	other := p.a
	if d == p.a {
		other = p.b
	}
	d.hasDuty("sole", "all", true)
	other.hasDuty("none", "none", false)
}

// autoPair returns a pair with members in mode auto, of which A serves.
func autoPair(t *testing.T, revertDelay string) (*pair, *source, *listener) {
	t.Helper()
	p := newPair(t)
	p.start()
	p.forms(0)
	for _, d := range []*device{p.a, p.b} {
		d.configures("e-trunk 1", "timer revert delay "+revertDelay, "quit", "interface eth-trunk 10", "e-trunk mode auto")
	}
	p.serves(p.a)
	s := p.stream(ssmGroup)
	l := p.join(ssmGroup, sourceAddr)
	l.awaits(s)
	return p, s, l
}

// TestAutoSwitchover hands the leg over and takes it back on request, twice. The leg
// comes back at once although the revert delay is an hour, and no packet is lost. No
// packet is lost either when the mode of a member is changed and changed back, or in a
// switchover after that.
func TestAutoSwitchover(t *testing.T) {
	p, s, l := autoPair(t, "3600")
	from := s.position()
	mode := func(d *device, mode string) { d.configures("interface eth-trunk 10", "e-trunk mode "+mode) }
	p.a.canBeReloaded(nil, nil)
	p.b.canBeReloaded(nil, nil)
	for range 2 {
		p.a.types("switchover e-trunk 1")
		p.serves(p.b)
		p.a.canBeReloaded([]string{"Eth-Trunk10"}, nil)
		p.b.canBeReloaded(nil, []string{"Eth-Trunk10"})
		contains(t, p.a.shows("e-trunk 1"), "left to the peer: handed over on request")
		p.a.types("undo switchover e-trunk 1")
		p.serves(p.a)

		mode(p.a, "force-master")
		p.a.types("switchover e-trunk 1")
		p.b.hasDuty("sole", "all", true)
		p.a.hasDuty("none", "none", true)
		p.a.types("undo switchover e-trunk 1")
		p.serves(p.a)
		mode(p.a, "force-backup")
		p.serves(p.b)
		mode(p.a, "auto")
		p.a.types("switchover e-trunk 1", "undo switchover e-trunk 1") // ends the revert delay
		p.serves(p.a)

		mode(p.b, "force-master")
		p.a.hasDuty("shared", "0", true)
		p.b.hasDuty("shared", "1", true)
		p.a.types("switchover e-trunk 1")
		p.b.hasDuty("sole", "all", true)
		p.a.types("undo switchover e-trunk 1")
		p.a.hasDuty("shared", "0", true)
		mode(p.b, "auto")
		p.serves(p.a)
	}
	l.awaits(s)
	if missed := l.missed(from, l.position()); missed > 0 {
		t.Errorf("%d packets are missing", missed)
	}
}

// TestAutoSplitBrainHeals: while the path between them is cut, both devices serve. When it is
// back, one of them leaves the leg, and no packet was lost.
func TestAutoSplitBrainHeals(t *testing.T) {
	p, s, l := autoPair(t, "0")
	from := s.position()
	for range 2 {
		p.a.silence(coreLink)
		p.a.hasDuty("sole", "all", true)
		p.b.hasDuty("sole", "all", true)
		p.b.hasAlarms("BFD_SESSION_DOWN", "ETRUNK_EXPECT_STATE", "ETRUNK_EXPECT_STATE", "ETRUNK_PEER_LOST", "RBS_CHANNEL_DOWN")
		p.a.speaks()
		p.serves(p.a)
		p.b.hasAlarms()
	}
	l.awaits(s)
	if missed := l.missed(from, l.position()); missed > 0 {
		t.Errorf("%d packets are missing", missed)
	}
}

// TestRevertDelay: if the peer has been serving, a device that returns shares the sending
// only after the revert delay. No packet is lost during that time.
func TestRevertDelay(t *testing.T) {
	const delay = 3 * time.Second
	p := newPair(t)
	p.start()
	s := p.stream(ssmGroup)
	l := p.join(ssmGroup, sourceAddr)
	p.forms(1)
	for _, d := range []*device{p.a, p.b} {
		d.configures("e-trunk 1", "timer revert delay 3")
	}
	for _, d := range []*device{p.a, p.b} {
		d.crash()
		l.awaits(s)
		from, began := l.position(), time.Now()
		d.start()
		eventually(t, "device "+d.name+" waits", func() error {
			if shown := d.shows("e-trunk 1"); !strings.Contains(shown, "settling, ") {
				return errors.New(shown)
			}
			return nil
		})
		p.forms(1)
		if took := time.Since(began); took < delay {
			t.Errorf("device %s shares after %v", d.name, took)
		}
		l.awaits(s)
		if missed := l.missed(from, l.position()); missed > 0 {
			t.Errorf("%d packets are missing", missed)
		}
	}
}

// TestAutoGivesBack: the Master dies, or loses its upstream. The Backup serves meanwhile, and
// gives the leg back after the revert delay without loss.
func TestAutoGivesBack(t *testing.T) {
	p, s, l := autoPair(t, "2")
	for _, fault := range []struct {
		name        string
		strike, end func()
	}{
		{"killed", p.a.crash, func() { p.a.start() }},
		{"upstream down", func() { testnet.Must(t, p.source.Links.SetUp("up-a", false)) },
			func() { testnet.Must(t, p.source.Links.SetUp("up-a", true)) }},
		{"killed again", p.a.crash, func() { p.a.start() }},
	} {
		from := s.position()
		fault.strike()
		p.b.hasDuty("sole", "all", true)
		l.awaits(s)
		struck := l.position()
		if fault.name == "upstream down" {
			p.serves(p.b)
			contains(t, p.a.shows("e-trunk 1"), "left to the peer: the upstream interface is down")
			p.b.hasAlarms("ETRUNK_EXPECT_STATE")
		}
		fault.end()
		p.serves(p.a)
		l.awaits(s)
		gap := time.Duration(l.missed(from, struck)) * streamInterval
		t.Logf("%s: %v were missing", fault.name, gap)
		if gap > time.Second {
			t.Errorf("%s: %v were missing", fault.name, gap)
		}
		if missed := l.missed(struck, l.position()); missed > 0 {
			t.Errorf("%s: %d packets are missing at give-back", fault.name, missed)
		}
	}
	p.b.hasAlarms()
	if strings.Count(p.b.shows("logbuffer"), "DUTY_CHANGE") > 20 {
		t.Error("the duty flaps")
	}
}

// TestPlannedStopInAuto: a Master daemon that is told to end waits until its peer serves.
func TestPlannedStopInAuto(t *testing.T) {
	p, s, l := autoPair(t, "0")
	for range 2 {
		from := s.position()
		p.a.signal(syscall.SIGTERM)
		l.awaits(s)
		if missed := l.missed(from, l.position()); missed > 0 {
			t.Errorf("%d packets are missing after the stop", missed)
		}
		p.a.start()
		p.serves(p.a)
	}
}

// TestPriorityChangedWhileApart: a device whose path to the peer is down gets another priority and is started
// again. When the path comes back, one device serves, as the new priority says (docs/field.md).
func TestPriorityChangedWhileApart(t *testing.T) {
	p, s, l := autoPair(t, "1")
	testnet.Must(t, p.a.Links.SetUp(coreLink, false))
	p.a.hasDuty("sole", "all", true)
	p.b.hasDuty("sole", "all", true)
	p.a.configures("e-trunk 1", "priority 30")
	p.a.crash()
	p.a.start()
	p.a.hasDuty("sole", "all", true)
	testnet.Must(t, p.a.Links.SetUp(coreLink, true))
	p.address("a", coreLink, "c") // the kernel has removed it
	p.serves(p.b)
	p.steer("b")
	l.awaits(s)
}
