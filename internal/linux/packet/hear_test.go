package packet_test

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"tandem/internal/linux/links"
	"tandem/internal/linux/packet"
	"tandem/internal/linux/testnet"
)

// hearing is a network whose router receives on its interface d0.
type hearing struct {
	*testing.T
	*testnet.Net
	conn *packet.Conn
	in   <-chan received
}

func hear(t *testing.T) *hearing {
	t.Helper()
	h := &hearing{T: t, Net: testnet.New(t)}
	h.conn, h.in = listen(t, h.Router)
	testnet.Must(t, h.conn.Join(h.Down0.Index))
	return h
}

// join makes an application on a node join a group.
func join(t *testing.T, n *testnet.Node, link, g string) {
	t.Helper()
	testnet.Must(t, n.UDP(t, 0).JoinGroup(n.Interface(t, link), &net.UDPAddr{IP: netip.MustParseAddr(g).AsSlice()}))
}

// joins makes a host join a new group, and waits until its report is received.
func (h *hearing) joins(host int, on links.Link, g string) {
	h.Helper()
	join(h.T, h.Hosts[host], "h0", g)
	h.reported(on, g)
}

// reported waits for a report of a group.
func (h *hearing) reported(on links.Link, g string) {
	h.Helper()
	for end := time.After(5 * time.Second); ; {
		select {
		case m := <-h.in:
			if m.Err == nil && m.group == netip.MustParseAddr(g) {
				if m.Ifindex != on.Index {
					h.Errorf("%v by interface %d, want %d", m, m.Ifindex, on.Index)
				}
				return
			}
		case <-end:
			h.Fatalf("the report of %s was not heard", g)
		}
	}
}

// restores waits until Restore has found and restored what the kernel has dropped.
func (h *hearing) restores() {
	h.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		n, err := h.conn.Restore()
		testnet.Must(h, err)
		if n > 0 {
			return
		}
	}
	h.Error("nothing was missing")
}

// whole fails if Restore finds something to restore.
func (h *hearing) whole() {
	h.Helper()
	if n, err := h.conn.Restore(); n != 0 || err != nil {
		h.Errorf("restored %d, %v; want nothing", n, err)
	}
}

// TestBehindFirewall: messages are received behind an input chain that accepts what a
// router needs, but not MLD.
func TestBehindFirewall(t *testing.T) {
	nft, err := exec.LookPath("nft")
	if err != nil {
		t.Skip("needs nft")
	}
	h := hear(t)
	cmd := exec.Command(nft, "-f", "-")
	cmd.Stdin = strings.NewReader(`table inet filter {
		chain input {
			type filter hook input priority 0; policy drop;
			icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert } accept
			udp dport { 1025, 3784, 4784 } accept
			tcp dport 7000 accept
		}
	}`)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := h.Router.Run(cmd); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	h.joins(0, h.Down0, "ff1e::1")
	testnet.Must(t, h.Hosts[0].SetSysctl("ipv6/conf/h0/force_mld_version", "1"))
	h.joins(0, h.Down0, "ff1e::2")
}

// TestMTU: after an MTU that was too small for IPv6, messages are received again.
func TestMTU(t *testing.T) {
	h := hear(t)
	h.whole()
	h.Router.SetMTU(t, "d0", 1200)
	h.joins(0, h.Down0, "ff1e::1")
	h.Router.SetMTU(t, "d0", 1500)
	h.joins(0, h.Down0, "ff1e::2")
	h.restores() // the memberships, which only snooping switches need
	h.whole()
	h.joins(0, h.Down0, "ff1e::3")
}

// TestIPv6Off: after IPv6 was switched off, messages are received again.
func TestIPv6Off(t *testing.T) {
	h := hear(t)
	testnet.Must(t, h.Router.SetSysctl("ipv6/conf/d0/disable_ipv6", "1"))
	h.joins(0, h.Down0, "ff1e::1")
	testnet.Must(t, h.Router.SetSysctl("ipv6/conf/d0/disable_ipv6", "0"))
	h.joins(0, h.Down0, "ff1e::2")
	testnet.AwaitLinkLocal(t, h.Router, "d0")
	h.whole()
}

// TestDown: after the interface was down, messages are received again.
func TestDown(t *testing.T) {
	h := hear(t)
	testnet.Must(t, h.Router.Links.SetUp("d0", false))
	testnet.Must(t, h.Router.Links.SetUp("d0", true))
	testnet.AwaitLinkLocal(t, h.Router, "d0")
	testnet.AwaitLinkLocal(t, h.Hosts[0], "h0")
	h.joins(0, h.Down0, "ff1e::1")
}

// TestNamespace: after an interface was in another namespace and came back with its index,
// messages are received again.
func TestNamespace(t *testing.T) {
	h := hear(t)
	h.Router.Move(t, "d0", h.Source)
	if n, err := h.conn.Restore(); n != 0 || err != nil {
		t.Errorf("restored %d, %v of an interface that has gone", n, err)
	}
	h.Source.Move(t, "d0", h.Router)
	testnet.Must(t, h.Router.Links.SetUp("d0", true))
	back := testnet.AwaitLinkLocal(t, h.Router, "d0")
	if back.Index != h.Down0.Index {
		t.Skip("the interface came back with another index")
	}
	testnet.AwaitLinkLocal(t, h.Hosts[0], "h0")
	h.restores()
	h.joins(0, h.Down0, "ff1e::1")
	h.whole()
}

// TestBridge: an interface is a port of a bridge for a while. Messages that arrive by it
// belong to the bridge then. Afterwards they belong to the interface again.
func TestBridge(t *testing.T) {
	h := hear(t)
	testnet.Must(t, h.Router.Links.AddBridge("br0", links.BridgeOptions{}))
	testnet.Must(t, h.Router.Links.SetUp("br0", true))
	testnet.Must(t, h.Router.Links.AddPort("br0", "d0", links.PortOptions{}))
	bridge := testnet.AwaitLinkLocal(t, h.Router, "br0")
	testnet.Must(t, h.conn.Leave(h.Down0.Index))
	testnet.Must(t, h.conn.Join(bridge.Index))
	h.joins(0, bridge, "ff1e::1")
	testnet.Must(t, h.Router.Links.Release("d0"))
	testnet.Must(t, h.conn.Leave(bridge.Index))
	testnet.Must(t, h.conn.Join(h.Down0.Index))
	h.joins(0, h.Down0, "ff1e::2")
}

// TestVRF: messages are received while an interface is bound to a VRF, and afterwards.
func TestVRF(t *testing.T) {
	h := hear(t)
	err := h.Router.Links.AddVRF("vrf1", 1001)
	if errors.Is(err, links.ErrNoDriver) {
		t.Skip("kernel lacks VRF")
	}
	testnet.Must(t, err)
	testnet.Must(t, h.Router.Links.BindVRF("vrf1", "d0"))
	testnet.AwaitLinkLocal(t, h.Router, "d0")
	h.joins(0, h.Down0, "ff1e::1")
	testnet.Must(t, h.Router.Links.Release("d0"))
	testnet.AwaitLinkLocal(t, h.Router, "d0")
	h.joins(0, h.Down0, "ff1e::2")
}

// TestVLAN: a report with a VLAN tag is received on the sub-interface only.
func TestVLAN(t *testing.T) {
	h := hear(t)
	for node, parent := range map[*testnet.Node]string{h.Router: "d0", h.Hosts[0]: "h0"} {
		err := node.Links.AddVLAN("sub", parent, 100)
		if errors.Is(err, links.ErrNoDriver) {
			t.Skip("kernel lacks VLANs")
		}
		testnet.Must(t, err)
		testnet.Must(t, node.Links.SetUp("sub", true))
	}
	sub := testnet.AwaitLinkLocal(t, h.Router, "sub")
	testnet.AwaitLinkLocal(t, h.Hosts[0], "sub")
	join(t, h.Hosts[0], "sub", "ff1e::1") // not received: only the parent is joined
	h.joins(0, h.Down0, "ff1e::2")
	testnet.Must(t, h.conn.Join(sub.Index))
	join(t, h.Hosts[0], "sub", "ff1e::3")
	h.reported(sub, "ff1e::3")
	h.joins(0, h.Down0, "ff1e::4")
	h.conn.Close()
	for m := range h.in {
		if m.group == netip.MustParseAddr("ff1e::1") || m.Ifindex == h.Down0.Index && m.group == netip.MustParseAddr("ff1e::3") {
			t.Errorf("%v by interface %d", m, m.Ifindex)
		}
	}
}

// TestBond: a report that arrives on a port of a bond is received once, on the bond.
func TestBond(t *testing.T) {
	h := hear(t)
	err := h.Router.Links.AddBond("bond0", links.Bond{Mode: links.BondXOR, Monitor: 10 * time.Millisecond}, nil)
	if errors.Is(err, links.ErrNoDriver) {
		t.Skip("kernel lacks bonding")
	}
	testnet.Must(t, err)
	testnet.Must(t, h.Router.Links.Enslave("bond0", "d0"))
	testnet.Must(t, h.Router.Links.SetUp("bond0", true))
	bond := testnet.AwaitLinkLocal(t, h.Router, "bond0")
	testnet.Must(t, h.conn.Leave(h.Down0.Index))
	testnet.Must(t, h.conn.Join(bond.Index))
	h.Hosts[0].Send(t, "h0", testnet.Packet{Src: stranger, Dst: reports, HopLimit: 1, Payload: report2(reports, 0)})
	if m := next(t, h.in); m.Ifindex != bond.Index {
		t.Errorf("%v by interface %d, want %d", m, m.Ifindex, bond.Index)
	}
	h.Hosts[0].Send(t, "h0", testnet.Packet{Src: stranger, Dst: reports, HopLimit: 2, Payload: report2(reports, 0)})
	if m := next(t, h.in); m.HopLimit != 2 {
		t.Errorf("%v was heard twice", m)
	}
}
