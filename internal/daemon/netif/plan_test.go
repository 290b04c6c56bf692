package netif

import (
	"testing"

	"tandem/internal/config"
	"tandem/internal/linux/links"
)

// pairPlan is the plan of one device of a pair for its Eth-Trunk.
func pairPlan(t *testing.T, text string, own [6]byte) bondPlan {
	t.Helper()
	m, err := config.Parse(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range newPlan(m, new(Links), own).bonds {
		return p
	}
	t.Fatal("no bond is planned")
	return bondPlan{}
}

// TestOwnPriority: a trunk that is in no E-Trunk has the LACP priority of the device.
func TestOwnPriority(t *testing.T) {
	for line, want := range map[string]uint16{"": 32768, "lacp priority 7": 7, "lacp priority 0": 1, "lacp e-trunk priority 7": 32768} {
		if p := pairPlan(t, line+"\ninterface Eth-Trunk10\n mode lacp-static\n", [6]byte{2}); p.bond.ActorPriority != want {
			t.Errorf("%q: priority %d, want %d", line, p.bond.ActorPriority, want)
		}
	}
}

// TestOneSystemForTheSwitch: the legs of both devices lead to one LACP system under one
// key. In standby a leg leads to another one, which is no other device's.
func TestOneSystemForTheSwitch(t *testing.T) {
	for name, system := range map[string]string{"derived": "", "configured": "lacp e-trunk system-id 0200-0000-0001\n"} {
		a := pairPlan(t, system+`
e-trunk 1
 peer-ipv6 2001:db8::2 source-ipv6 2001:db8::1
#
interface Eth-Trunk10
 mode lacp-static
 e-trunk 1 remote-eth-trunk 20
`, [6]byte{2, 0, 0, 0, 0, 1})
		b := pairPlan(t, system+`
e-trunk 1
 peer-ipv6 2001:db8::1 source-ipv6 2001:db8::2
#
interface Eth-Trunk20
 mode lacp-static
 e-trunk 1 remote-eth-trunk 10
`, [6]byte{2, 0, 0, 0, 0, 3})
		if a.bond != b.bond || a.bond.Mode != links.BondLACP || a.bond.ActorKey != 10 || a.bond.ActorSystem == [6]byte{} {
			t.Errorf("%s: one device shows %+v, the other %+v", name, a.bond, b.bond)
		}
		if a.standby == a.bond.ActorSystem || b.standby == b.bond.ActorSystem || a.standby == b.standby {
			t.Errorf("%s: in standby they are %x and %x, else %x", name, a.standby, b.standby, a.bond.ActorSystem)
		}
	}
}
