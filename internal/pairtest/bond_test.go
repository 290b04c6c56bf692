package pairtest

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"tandem/internal/linux/links"
	"tandem/internal/linux/testnet"
)

// portLink is the port of a device's Eth-Trunk, lagLink the switch's bond.
const (
	portLink = "port0"
	lagLink  = "lag"
)

// lagBond is the switch's side of the aggregate.
var lagBond = links.Bond{Mode: links.BondLACP, Monitor: 10 * time.Millisecond, Fast: true, ActorPriority: 32768}

// requireBonding skips the test if the kernel has no bonding.
func requireBonding(t *testing.T, h *links.Handle) {
	t.Helper()
	err := h.AddBond("probe", lagBond, nil)
	if errors.Is(err, links.ErrNoDriver) {
		t.Skip("kernel lacks bonding")
	}
	testnet.Must(t, err)
	testnet.Must(t, h.Delete("probe"))
}

// ethTrunkFacts are the facts of `display eth-trunk`.
type ethTrunkFacts struct {
	Mode    string `json:"working-mode"`
	System  string `json:"system-id"`
	Timeout string `json:"timeout-period"`
	Status  string `json:"operating-status"`
	Origin  string `json:"origin"`
	MAC     string `json:"mac"`
	Leg     string `json:"e-trunk-leg"`
	UpPorts int    `json:"number-of-up-ports-in-trunk"`
	Ports   []struct {
		Name   string `json:"port-name"`
		Status string `json:"status"`
		State  string `json:"port-state"`
	} `json:"ports"`
	Partners []struct {
		System string `json:"system-id"`
		State  string `json:"port-state"`
	} `json:"partners"`
}

func (d *device) ethTrunk() (f ethTrunkFacts, err error) { return f, d.display("eth-trunk 10", &f) }

// trunkLines returns the configuration of the device's Eth-Trunk 10 with one port.
func trunkLines(device string) []string {
	return []string{
		"system-view",
		"interface eth-trunk 10", "mode lacp-static", "lacp timeout fast",
		"ipv6 enable", "ipv6 address " + addr("10", device).String() + "/64", "quit",
		"interface " + portLink, "eth-trunk 10", "quit",
		"commit",
	}
}

// TestTrunkIsOwned: a device makes an Eth-Trunk, keeps it as configured although other
// programs change it, and restores the earlier state at the end.
func TestTrunkIsOwned(t *testing.T) {
	t.Parallel()
	node, sw := testnet.NewNode(t), testnet.NewNode(t)
	requireBonding(t, sw.Links)
	testnet.Cable(t, node, portLink, sw, "leg")
	before, err := node.Links.Link(portLink)
	testnet.Must(t, err)
	d := newDevice(t, "a", node)
	d.start(trunkLines("a")...)

	bond := func(what string, want func(links.BondState) bool) links.BondState {
		t.Helper()
		var state links.BondState
		eventually(t, what, func() (err error) {
			if state, err = node.Links.Bond(legLink); err == nil && !want(state) {
				err = fmt.Errorf("%+v, settings %+v, ports %+v", state.Link, *state.Bond, state.Ports)
			}
			return err
		})
		return state
	}
	bond("the bond is there", func(s links.BondState) bool {
		return s.Bond.Mode == links.BondLACP && s.Bond.Fast && s.AdminUp && len(s.Ports) == 1
	})
	f, err := d.ethTrunk()
	testnet.Must(t, err)
	if f.Mode != "Static" || f.Timeout != "Fast" || f.Origin != "created" || len(f.Ports) != 1 {
		t.Errorf("%+v", f)
	}

	testnet.Must(t, node.Links.Release(portLink))
	bond("the port is back", func(s links.BondState) bool { return len(s.Ports) == 1 })

	d.configures("interface eth-trunk 10", "mac-address 0200-0000-00aa", "quit",
		"interface eth-trunk 10.700", "vlan-type dot1q 700", "ipv6 enable", "ipv6 address 2001:db8:77::1/64")
	bond("the address is set", func(s links.BondState) bool { return s.HardwareAddr.String() == "02:00:00:00:00:aa" })
	testnet.Must(t, node.Links.SetHardwareAddr(legLink, net.HardwareAddr{2, 0, 0, 0, 0, 0xbb}))
	bond("the address is back", func(s links.BondState) bool { return s.HardwareAddr.String() == "02:00:00:00:00:aa" })
	sub := func(id uint16) {
		t.Helper()
		eventually(t, fmt.Sprintf("sub-interface of VLAN %d with its address", id), func() error {
			l, err := node.Links.Link(legLink + ".700")
			if err == nil && (l.VLAN.ID != id || !hasAddress(l, "2001:db8:77::1")) {
				err = fmt.Errorf("%+v", l)
			}
			return err
		})
	}
	sub(700)
	testnet.Must(t, node.Links.Delete(legLink+".700"))
	sub(700)
	d.configures("interface eth-trunk 10.700", "vlan-type dot1q 701")
	sub(701)

	// A daemon that is restarted knows which interfaces it has made.
	d.kill()
	d.start()
	d.configures("interface eth-trunk 10", "undo lacp timeout fast", "mode manual")
	bond("the mode is changed", func(s links.BondState) bool { return s.Bond.Mode == links.BondXOR && len(s.Ports) == 1 })
	sub(701)
	testnet.Must(t, node.Links.Delete(legLink))
	bond("the bond is back", func(s links.BondState) bool { return len(s.Ports) == 1 })

	d.configures("undo interface eth-trunk 10.700", "undo interface "+portLink, "undo interface eth-trunk 10")
	eventually(t, "the world is as it was", func() error {
		if _, err := node.Links.Link(legLink); !errors.Is(err, links.ErrNotFound) {
			return fmt.Errorf("the bond is still there: %v", err)
		}
		after, err := node.Links.Link(portLink)
		if err == nil && (after.Master != 0 || !after.AdminUp || after.HardwareAddr.String() != before.HardwareAddr.String()) {
			err = fmt.Errorf("port %+v, was %+v", after, before)
		}
		return err
	})
}

func hasAddress(l links.Link, want string) bool {
	for _, p := range l.Addresses {
		if p.Addr() == netip.MustParseAddr(want) {
			return true
		}
	}
	return false
}

// TestTrunkIsAdopted: a device gives an existing bond the LACP system of the E-Trunk, and later
// restores the bond's own.
func TestTrunkIsAdopted(t *testing.T) {
	t.Parallel()
	node := testnet.NewNode(t)
	requireBonding(t, node.Links)
	own := [6]byte{2, 0, 0, 0, 0, 0x55}
	mine := lagBond
	mine.ActorPriority, mine.ActorSystem = 7, own
	testnet.Must(t, node.Links.AddBond(legLink, mine, nil))
	d := newDevice(t, "a", node)
	d.start("system-view", "lacp e-trunk system-id 00e0-fc00-0001", "lacp e-trunk priority 100",
		"e-trunk 1", "quit", "interface eth-trunk 10", "mode lacp-static", "e-trunk 1", "e-trunk mode force-master", "commit")
	is := func(priority uint16, system [6]byte) {
		t.Helper()
		eventually(t, "the LACP system is set", func() error {
			s, err := node.Links.Bond(legLink)
			if err == nil && (s.Bond.ActorPriority != priority || s.Bond.ActorSystem != system) {
				err = fmt.Errorf("%+v", *s.Bond)
			}
			return err
		})
	}
	is(100, [6]byte{0, 0xe0, 0xfc, 0, 0, 1})
	f, err := d.ethTrunk()
	testnet.Must(t, err)
	if f.Origin != "adopted" || f.System != "00e0-fc00-0001" {
		t.Errorf("%+v", f)
	}
	testnet.Must(t, node.Links.SetActor(legLink, 9, own))
	is(100, [6]byte{0, 0xe0, 0xfc, 0, 0, 1})
	d.configures("interface eth-trunk 10", "e-trunk mode force-backup")
	eventually(t, "the leg is down", func() error {
		f, err := d.ethTrunk()
		if err == nil && (f.Leg != "down" || f.Status != "down") {
			err = fmt.Errorf("%+v", f)
		}
		return err
	})
	d.configures("undo interface eth-trunk 10")
	is(7, own)
}
