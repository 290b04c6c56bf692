package pairtest

import (
	"fmt"
	"testing"
)

// interfaceFacts is the JSON of `display mld interface verbose`.
type interfaceFacts struct {
	Policy  *string `json:"mld-group-policy"`
	Refused uint64  `json:"joins-refused-by-group-policy"`
	Records int     `json:"total-host-records"`
}

// configure runs lines on both devices.
func (p *pair) configure(lines ...string) {
	p.t.Helper()
	p.a.configures(lines...)
	p.b.configures(lines...)
}

// TestGroupPolicy: a policy is applied to a group that a host receives, and removed.
func TestGroupPolicy(t *testing.T) {
	p, s, ssm, asm := receivingPair(t)
	before := s.position()

	p.configure("acl ipv6 number 2000", "rule permit source ff3e::/16", "quit",
		"interface eth-trunk 10", "mld group-policy 2000")
	asm.silent(s)
	contains(t, p.a.shows("mld group verbose"), "Denied by group policy: yes")
	late := p.join(lateGroup, noSource)
	eventually(t, "a join is refused", func() error {
		var refused uint64
		for _, d := range []*device{p.a, p.b} {
			f, err := facts[interfaceFacts](d, "mld interface verbose", "interfaces")
			if err != nil {
				return err
			}
			refused += f.Refused
		}
		if refused == 0 {
			return fmt.Errorf("none is counted")
		}
		return nil
	})
	late.silent(s)

	p.a.types("system-view", "undo acl ipv6 number 2000")
	contains(t, p.a.refuses("commit"), "mld group-policy uses acl ipv6 2000, which does not exist")
	p.a.types("clear configuration candidate", "return")

	p.configure("interface eth-trunk 10", "undo mld group-policy")
	asm.awaits(s)
	// A host that the policy permits has missed nothing.
	if n := ssm.missed(before+1, s.position()-1); n > 0 {
		t.Errorf("%s missed %d packets", ssmGroup, n)
	}
}

// TestStaticGroup: a static group is joined upstream and forwarded without a listener. It makes
// no record in the databases of the devices.
func TestStaticGroup(t *testing.T) {
	p := newPair(t)
	upstream := p.listenUpstream()
	p.start()
	p.configure("interface eth-trunk 10", "mld static-group "+ssmGroup.String()+" source "+sourceAddr.String())
	for _, d := range []*device{p.a, p.b} {
		upstream.knows(d, true, ssmGroup)
		eventually(t, "the kernel has the entry", func() error {
			return d.kernelForwards(ssmGroup.StringExpanded(), upLink, legLink)
		})
	}
	p.forms(0)
	p.configure("interface eth-trunk 10", "undo mld static-group")
	for _, d := range []*device{p.a, p.b} {
		upstream.knows(d, false, ssmGroup)
	}
}

// TestSSMMapping: a host that cannot name sources gets the mapped source, and the devices join
// only that upstream.
func TestSSMMapping(t *testing.T) {
	p := newPair(t)
	p.start()
	p.configure("mld", "ssm-mapping ff1e::/16 "+sourceAddr.String(), "quit", "interface eth-trunk 10", "mld ssm-mapping enable")
	s := p.stream(asmGroup)
	l := p.join(asmGroup, noSource)
	l.awaits(s)
	contains(t, p.a.shows("mld group verbose"), "exclude,mapped")
	contains(t, p.a.shows("multicast ipv6 routing-table"), "Origin: SSM")
	// A stream of a source that is not mapped is not forwarded.
	p.configure("mld", "undo ssm-mapping", "ssm-mapping ff1e::/16 2001:db8:77::1")
	l.silent(s)
	p.configure("interface eth-trunk 10", "undo mld ssm-mapping enable")
	l.awaits(s)
}
