package pairtest

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"tandem/internal/linux/testnet"
)

// TestKilledThreeTimes: a device that is killed comes back empty and learns everything from its
// peer. The databases are equal every time.
func TestKilledThreeTimes(t *testing.T) {
	p := newPair(t)
	p.start()
	s := p.stream(ssmGroup, asmGroup)
	ssm, asm := p.join(ssmGroup, sourceAddr), p.join(asmGroup, noSource)
	for round := range 3 {
		for _, victim := range []*device{p.a, p.b} {
			survivor := p.peerOf(victim)
			p.forms(2)
			p.steer(victim.name) // so the host's reports go to the device that will die
			ssm.awaits(s)
			asm.awaits(s)
			victim.crash()
			p.steer(survivor.name)
			eventually(t, "device "+survivor.name+" sends everything", survivor.sole)
			ssm.awaits(s)
			asm.awaits(s)
			if err := survivor.holds(2); err != nil {
				t.Errorf("round %d: %v", round+1, err)
			}
			victim.start()
		}
	}
	p.forms(2)
	ssm.awaits(s)
	asm.awaits(s)
	ssm.leave()
	p.forms(1)
}

func (p *pair) peerOf(d *device) *device {
	if d == p.a {
		return p.b
	}
	return p.a
}

// holds returns an error unless a device has this number of records.
func (d *device) holds(records int) error {
	f, err := d.profile()
	if err == nil && f.Records != records {
		err = fmt.Errorf("device %s has %d records, want %d", d.name, f.Records, records)
	}
	return err
}

// TestTerminated: a daemon that is told to end first hands over without losing a packet.
// Afterwards the kernel keeps no state of it.
func TestTerminated(t *testing.T) {
	p := newPair(t)
	p.start()
	s := p.stream(ssmGroup, asmGroup)
	listeners := []*listener{p.join(ssmGroup, sourceAddr), p.join(asmGroup, noSource)}
	for _, victim := range []*device{p.a, p.b} {
		survivor := p.peerOf(victim)
		p.forms(2)
		for _, l := range listeners {
			l.awaits(s)
		}
		first := s.position()
		began := time.Now()
		victim.signal(syscall.SIGTERM)
		t.Logf("device %s ended after %v", victim.name, time.Since(began))

		if status := victim.exitStatus; status != 0 {
			t.Errorf("device %s: exit status %d", victim.name, status)
		}
		p.steer(survivor.name)
		if err := survivor.sole(); err != nil {
			t.Errorf("right after the end of device %s: %v", victim.name, err)
		}
		for _, l := range listeners {
			l.awaits(s)
			if n := l.missed(first, l.position()); n > 0 {
				t.Errorf("%d packets of %s are missing around the end of device %s", n, l.group, victim.name)
			}
		}
		victim.leftNothing()
		victim.start()
	}
	p.forms(2)
}

// TestBothTerminated: if no device can take over, neither waits for long.
func TestBothTerminated(t *testing.T) {
	p := newPair(t)
	p.start()
	for _, d := range []*device{p.a, p.b} {
		testnet.Must(t, d.process.cmd.Process.Signal(syscall.SIGTERM))
	}
	for _, d := range []*device{p.a, p.b} {
		d.ends(syscall.SIGTERM)
		if d.exitStatus != 0 {
			t.Errorf("device %s: exit status %d", d.name, d.exitStatus)
		}
		d.leftNothing()
	}
}

// leftNothing checks the kernel after the daemon has ended.
func (d *device) leftNothing() {
	d.t.Helper()
	if lines := d.kernelFile("ip6_mr_cache"); countLines(lines) > 1 {
		d.t.Errorf("device %s left forwarding entries:\n%s", d.name, lines)
	}
	if lines := d.kernelFile("ip6_mr_vif"); countLines(lines) > 1 {
		d.t.Errorf("device %s left multicast interfaces:\n%s", d.name, lines)
	}
	if d.hasGate() {
		d.t.Errorf("device %s left the gate", d.name)
	}
	l, err := d.Links.Link(legLink)
	if err != nil || l.AdminUp {
		d.t.Errorf("device %s left its leg up (%v), so the switch still sends there", d.name, err)
	}
}
