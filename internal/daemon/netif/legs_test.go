package netif_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/linux/links"
	"tandem/internal/linux/testnet"
	"tandem/internal/state"
)

const member = `
e-trunk 1
#
interface Eth-Trunk10
 e-trunk 1
#
interface far0
 eth-trunk 10
`

// newLeg makes a bridge with one port in place of a bond, as an operator may provide it.
func newLeg(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	testnet.Must(t, r.node.Links.AddBridge("eth-trunk10", links.BridgeOptions{}))
	testnet.Must(t, r.node.Links.AddVeth(links.VethEnd{Name: "far0"}, links.VethEnd{Name: "switch0"}))
	r.await("the links are there", func() bool { return r.told["eth-trunk10"].Exists && r.told["far0"].Exists && r.told["switch0"].Exists })
	r.configure(member)
	return r
}

// TestLegs: an adopted interface that is a leg is up only when the device requests it.
func TestLegs(t *testing.T) {
	r := newLeg(t)
	if r.link("eth-trunk10").AdminUp || r.link("far0").AdminUp {
		t.Error("the leg is up before the device has asked for it")
	}
	trunk, err := r.EthTrunk("Eth-Trunk10")
	testnet.Must(t, err)
	if trunk.Leg != state.LegNotSteered || !trunk.Exists || trunk.Owned || trunk.Driver != "bridge" ||
		len(trunk.Ports) != 1 || trunk.Ports[0].Name != "far0" || trunk.Ports[0].Joined {
		t.Errorf("shown: %+v", trunk)
	}
	testnet.Must(t, r.Steer(device.LegChange{Netdev: "eth-trunk10", Up: true}))
	r.await("the leg is up", func() bool { return r.told["eth-trunk10"].AdminUp })
	if trunk, err = r.EthTrunk("Eth-Trunk10"); err != nil || trunk.Leg != state.LegJoined {
		t.Errorf("shown: %+v, %v", trunk, err)
	}
	testnet.Must(t, r.Steer(device.LegChange{Netdev: "eth-trunk10"}))
	r.await("the leg is down", func() bool { return !r.told["eth-trunk10"].AdminUp })
	testnet.Must(t, r.Activate())
	if r.link("eth-trunk10").AdminUp {
		t.Error("the leg is up against the device's will")
	}
	testnet.Must(t, r.Steer(device.LegChange{Netdev: "eth-trunk10", Up: true}))
	r.TakeLegsDown()
	if r.link("eth-trunk10").AdminUp {
		t.Error("the leg is still in service")
	}
	r.noEvents()
}

// TestLegsAreWrittenDown: the names of the legs are in a file, so that a supervisor can
// take them down after the daemon has died.
func TestLegsAreWrittenDown(t *testing.T) {
	r := newLeg(t)
	text, err := os.ReadFile(filepath.Join(r.runDir, "legs"))
	if err != nil || string(text) != "eth-trunk10" {
		t.Errorf("%q, %v", text, err)
	}
}

// TestTrunkWithoutDriver: if the kernel has no bonding, another program has to provide
// the trunk. This is no error, and it is logged once.
func TestTrunkWithoutDriver(t *testing.T) {
	r := newRig(t)
	if err := r.node.Links.AddBond("probe", links.Bond{Mode: links.BondXOR}, nil); err == nil {
		t.Skip("the kernel has bonding")
	}
	r.configure(member)
	r.configure(member)
	r.restart()
	r.configure(member)
	if len(r.events) != 1 || r.events[0].Kind != event.InterfaceNotMade {
		t.Errorf("logged: %v", r.events)
	}
}

// TestHeardOnALeg: carrier alone does not count as a switch that forwards. Packets from
// before the carrier was lost do not count after it is back.
func TestHeardOnALeg(t *testing.T) {
	r := newRig(t)
	testnet.Must(t, r.node.Links.AddVeth(links.VethEnd{Name: "eth-trunk10"}, links.VethEnd{Name: "switch0"}))
	testnet.Must(t, r.node.SetSysctl("ipv6/conf/switch0/disable_ipv6", "1")) // the interface sends nothing by itself
	r.await("the links are there", func() bool { return r.told["eth-trunk10"].Exists && r.told["switch0"].Exists })
	r.configure("e-trunk 1\n#\ninterface Eth-Trunk10\n e-trunk 1\n")
	testnet.Must(t, r.Steer(device.LegChange{Netdev: "eth-trunk10", Up: true}))
	carrier := func(up bool) {
		t.Helper()
		testnet.Must(t, r.node.Links.SetUp("switch0", up))
		r.await("the carrier has changed", func() bool { return r.told["eth-trunk10"].Up == up })
	}
	for range 2 {
		carrier(true)
		looks := func() {
			for range 5 { // LACP is checked in between, too
				r.Advance(r.Due())
			}
		}
		if looks(); r.told["eth-trunk10"].Heard {
			t.Error("heard before a packet came in")
		}
		r.node.Send(t, "switch0", testnet.Packet{Src: netip.MustParseAddr("fe80::1"), Dst: netip.MustParseAddr("ff02::1")})
		if looks(); !r.told["eth-trunk10"].Heard {
			t.Error("not heard")
		}
		carrier(false)
		if r.told["eth-trunk10"].Heard {
			t.Error("heard without carrier")
		}
	}
	r.noEvents()
}
