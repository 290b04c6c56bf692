package netif_test

import (
	"errors"
	"testing"

	"tandem/internal/daemon/netif"
	"tandem/internal/device"
	"tandem/internal/linux/links"
	"tandem/internal/linux/testnet"
	"tandem/internal/state"
)

const lacpMember = `
e-trunk 1
 peer-ipv6 2001:db8::2 source-ipv6 2001:db8::1
#
interface Eth-Trunk10
 mode lacp-static
 e-trunk 1
#
interface far0
 eth-trunk 10
`

// actor returns the LACP system of the leg in the kernel.
func (r *rig) actor() netif.LACPSystem {
	r.t.Helper()
	bond := r.link("eth-trunk10").Bond
	if bond == nil {
		r.t.Fatal("the leg is no bond")
	}
	return netif.LACPSystem{Priority: bond.ActorPriority, System: bond.ActorSystem}
}

// TestBondInStandby: a leg in LACP standby is up with an LACP system of its own, also after a
// graceful restart. It has the shared system again when the device takes it back. The bond is
// removed with its configuration.
func TestBondInStandby(t *testing.T) {
	r := newRig(t)
	err := r.node.Links.AddBond("probe", links.Bond{Mode: links.BondXOR}, nil)
	if errors.Is(err, links.ErrNoDriver) {
		t.Skip("kernel lacks bonding")
	}
	testnet.Must(t, err)
	testnet.Must(t, r.node.Links.Delete("probe"))
	testnet.Must(t, r.node.Links.AddVeth(links.VethEnd{Name: "far0"}, links.VethEnd{Name: "switch0"}))
	r.await("the port is there", func() bool { return r.told["far0"].Exists })
	r.configure(lacpMember)
	r.await("the bond is there", func() bool { return r.told["eth-trunk10"].LACP })
	shared := r.actor()

	testnet.Must(t, r.Steer(device.LegChange{Netdev: "eth-trunk10", Up: true, Aside: true}))
	r.await("the leg is up", func() bool { return r.told["eth-trunk10"].AdminUp })
	standby := r.actor()
	if standby.Priority != 65535 || standby.System == shared.System {
		t.Errorf("in standby it is %+v, else %+v", standby, shared)
	}
	r.Advance(r.Due())
	if leg := r.told["eth-trunk10"]; !leg.Apart {
		t.Errorf("without a partner: %+v", leg)
	}
	r.restart()
	if leg := r.told["eth-trunk10"]; !leg.Apart {
		t.Errorf("after a restart: %+v", leg)
	}
	r.configure(lacpMember)
	if got := r.actor(); got != standby {
		t.Errorf("after a restart it is %+v, was %+v", got, standby)
	}
	if trunk, err := r.EthTrunk("Eth-Trunk10"); err != nil || trunk.Leg != state.LegAside || !trunk.Owned || !trunk.Ports[0].Joined {
		t.Errorf("shown: %+v, %v", trunk, err)
	}
	testnet.Must(t, r.Steer(device.LegChange{Netdev: "eth-trunk10", Up: true}))
	if got := r.actor(); got != shared {
		t.Errorf("taken back it is %+v, was %+v", got, shared)
	}
	r.configure("interface far0\n")
	r.await("the bond is gone", func() bool { return !r.told["eth-trunk10"].Exists })
	if port := r.link("far0"); port.Master != 0 {
		t.Errorf("the port: %+v", port)
	}
	r.noEvents()
}
