package pairtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// asWritten returns the procedure with only the lines of the operator's text.
func asWritten(device string) (lines []string) {
	for _, line := range procedure(device) {
		if !strings.HasPrefix(line, "timer ") && !strings.HasPrefix(line, "min-") && line != "return" {
			lines = append(lines, line)
		}
	}
	return lines
}

// TestProcedure types the operator's procedure into two devices that have only interfaces
// and addresses. Besides it, replication and switchover need only MLD, multicast routing
// and the upstream interface.
func TestProcedure(t *testing.T) {
	p := newPair(t)
	for _, d := range []*device{p.a, p.b} {
		d.start()
		d.types(asWritten(d.name)...)
	}
	eventually(t, "the two find each other", func() error {
		a, err := p.a.trunk()
		if err != nil {
			return err
		}
		b, err := p.b.trunk()
		if err != nil {
			return err
		}
		s, err := p.b.service()
		if err == nil && (a.State != "Master" || b.State != "Backup" || b.Cause != "PRI" || !s.InSync) {
			err = fmt.Errorf("a is %s, b is %s because of %s, backup service %s", a.State, b.State, b.Cause, s.TCP)
		}
		return err
	})

	for _, d := range []*device{p.a, p.b} {
		d.types(routing()...)
	}
	s := p.stream(ssmGroup, asmGroup)
	ssm, asm := p.join(ssmGroup, sourceAddr), p.join(asmGroup, noSource)
	ssm.awaits(s)
	asm.awaits(s)
	// The second device shares the sending after `timer revert delay`, by default 120 s. It is
	// ready to take over at once.
	eventually(t, "the databases are equal", func() error { return p.equal(2) })

	p.a.crash()
	eventually(t, "device b sends everything", p.b.sole)
	ssm.awaits(s)
	asm.awaits(s)
	if f, err := p.b.trunk(); err != nil || f.Cause != "BFD_DOWN" {
		t.Errorf("device b is %s because of %s, %v", f.State, f.Cause, err)
	}
}

// TestUndo: what is removed from the configuration is removed from the kernel and upstream. It
// returns with its configuration.
func TestUndo(t *testing.T) {
	p := newPair(t)
	upstream := p.listenUpstream()
	p.a.start(configuration("a")...)
	p.a.configures("interface eth-trunk 10", "mld max-response-time 1") // hosts answer within this time
	s := p.stream(ssmGroup, asmGroup)
	ssm, asm := p.join(ssmGroup, sourceAddr), p.join(asmGroup, noSource)
	for _, step := range []struct {
		view []string
		line string
		gone func() error
	}{
		{[]string{"interface eth-trunk 10"}, "mld enable", func() error { return p.a.listens(legLink, false) }},
		{[]string{"interface up0"}, "mld proxy", func() error { return p.a.listens(upLink, false) }},
		{nil, "multicast ipv6 routing-enable", p.a.routesNothing},
	} {
		ssm.awaits(s)
		asm.awaits(s)
		upstream.knows(p.a, true, ssmGroup, asmGroup)

		p.a.configures(append(slices.Clone(step.view), "undo "+step.line)...)
		ssm.silent(s)
		asm.silent(s)
		upstream.knows(p.a, false, ssmGroup, asmGroup)
		eventually(t, "nothing is left of "+step.line, func() error {
			if err := p.a.kernelForwards(asmGroupInKernel, upLink, legLink); err == nil {
				return errors.New("the entry is there")
			}
			entries, err := p.a.entries()
			if err == nil {
				for _, e := range entries {
					if len(e.Outgoing) > 0 {
						err = fmt.Errorf("%s is shown", e.Group)
					}
				}
			}
			if err != nil {
				return err
			}
			return step.gone()
		})
		p.a.configures(append(slices.Clone(step.view), step.line)...)
	}
	ssm.awaits(s)
	asm.awaits(s)
	p.a.configures("undo interface eth-trunk 10")
	asm.silent(s)
}

// listens returns an error unless the device receives MLD on a link as wanted.
func (d *device) listens(link string, want bool) error {
	found := false
	for line := range strings.Lines(d.kernelFile("igmp6")) {
		f := strings.Fields(line)
		found = found || len(f) > 2 && f[1] == link && f[2] == "ff020000000000000000000000000016"
	}
	if found != want {
		return fmt.Errorf("device %s listens on %s: %v", d.name, link, found)
	}
	return nil
}

// routesNothing returns an error if anything is left of multicast routing.
func (d *device) routesNothing() error {
	if vifs := d.kernelFile("ip6_mr_vif"); countLines(vifs) > 1 {
		return errors.New(vifs)
	}
	if d.hasGate() {
		return errors.New("the gate is there")
	}
	return errors.Join(d.listens(legLink, false), d.listens(upLink, false))
}
