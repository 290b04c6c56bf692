package links_test

import (
	"bytes"
	"errors"
	"net"
	"testing"
	"time"

	"tandem/internal/linux/links"
	"tandem/internal/linux/netns"
)

// system is a LACP system identifier of the tests.
var system = [6]byte{2, 0, 0, 0, 0, 0x77}

func lacpBond(sys [6]byte) links.Bond {
	return links.Bond{Mode: links.BondLACP, Monitor: 10 * time.Millisecond, Fast: true, ActorKey: 10, ActorPriority: 100, ActorSystem: sys}
}

// addBond makes a bond, or skips the test if the kernel cannot.
func addBond(t *testing.T, h *links.Handle, name string, b links.Bond) {
	t.Helper()
	err := h.AddBond(name, b, nil)
	if errors.Is(err, links.ErrNoDriver) {
		t.Skip("kernel lacks bonding")
	}
	if err != nil {
		t.Fatal(err)
	}
}

// space is a namespace with a handle.
type space struct {
	*netns.Namespace
	*links.Handle
}

func newSpace(t *testing.T) space {
	t.Helper()
	ns, h := newNamespace(t)
	return space{ns.Namespace, h}
}

// awaitBond waits until a bond has the wanted state.
func awaitBond(t *testing.T, h *links.Handle, name string, limit time.Duration, want func(links.BondState) bool) links.BondState {
	t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(10 * time.Millisecond) {
		s, err := h.Bond(name)
		must(t, err)
		if want(s) {
			return s
		}
		if time.Now().After(end) {
			t.Fatalf("%s stayed %+v, ports %v", name, s, s.Ports)
		}
	}
}

func TestBondSettings(t *testing.T) {
	s := newSpace(t)
	addBond(t, s.Handle, "b0", lacpBond(system))
	mac := net.HardwareAddr{2, 0, 0, 0, 0, 9}
	must(t, s.SetHardwareAddr("b0", mac))
	l, err := s.Link("b0")
	must(t, err)
	if l.Kind != "bond" || l.Bond == nil || *l.Bond != lacpBond(system) || !bytes.Equal(l.HardwareAddr, mac) {
		t.Errorf("%+v, settings %+v", l, l.Bond)
	}
	must(t, s.SetLACP("b0", false, 11))
	must(t, s.SetUp("b0", true))
	other := [6]byte{2, 0, 0, 0, 0, 0x78}
	must(t, s.SetActor("b0", 200, other))
	must(t, s.SetMonitor("b0", 20*time.Millisecond))
	l, err = s.Link("b0")
	must(t, err)
	want := links.Bond{Mode: links.BondLACP, Monitor: 20 * time.Millisecond, ActorKey: 11, ActorPriority: 200, ActorSystem: other}
	if *l.Bond != want {
		t.Errorf("%+v, want %+v", *l.Bond, want)
	}
	must(t, s.SetActor("b0", 200, [6]byte{})) // back to its own address
	must(t, s.SetUp("b0", false))
	must(t, s.Delete("b0"))
}

// TestBondPorts adds a port and removes it; the port keeps its own address.
func TestBondPorts(t *testing.T) {
	s := newSpace(t)
	addBond(t, s.Handle, "b0", links.Bond{Mode: links.BondXOR, Monitor: 10 * time.Millisecond})
	mac := net.HardwareAddr{2, 0, 0, 0, 0, 5}
	must(t, s.SetHardwareAddr("b0", mac))
	must(t, s.AddVeth(links.VethEnd{Name: "p0"}, links.VethEnd{Name: "q0"}))
	must(t, s.SetUp("p0", true))
	must(t, s.SetUp("q0", true))
	before, err := s.Link("p0")
	must(t, err)
	must(t, s.Enslave("b0", "p0"))
	must(t, s.SetUp("b0", true))
	state := awaitBond(t, s.Handle, "b0", 5*time.Second, func(b links.BondState) bool { return b.Up && len(b.Ports) == 1 && b.Ports[0].Carrier })
	if state.Ports[0].Name != "p0" || !state.Ports[0].Active {
		t.Errorf("ports %+v", state.Ports)
	}
	must(t, s.Release("p0"))
	after, err := s.Link("p0")
	must(t, err)
	if after.Master != 0 || !bytes.Equal(after.HardwareAddr, before.HardwareAddr) {
		t.Errorf("released port %+v, was %+v", after, before)
	}
}

// TestBondOneAggregator tests the property on which E-Trunk depends: two bonds with one system
// are one aggregate for a partner's two ports, and one of them leaves it by taking another
// system.
func TestBondOneAggregator(t *testing.T) {
	a, b, ce := newSpace(t), newSpace(t), newSpace(t)
	addBond(t, ce.Handle, "lag", lacpBond([6]byte{}))
	for i, dev := range []space{a, b} {
		port := []string{"pa", "pb"}[i]
		addBond(t, dev.Handle, "eth-trunk10", lacpBond(system))
		must(t, dev.AddVeth(links.VethEnd{Name: "p0"}, links.VethEnd{Name: port, NetNS: ce.FD()}))
		must(t, dev.Enslave("eth-trunk10", "p0"))
		must(t, ce.Enslave("lag", port))
		must(t, dev.SetUp("eth-trunk10", true))
	}
	must(t, ce.SetUp("lag", true))
	one := func(s links.BondState) bool {
		return len(s.Ports) == 2 && s.Ports[0].Aggregator == s.Ports[1].Aggregator && s.Ports[0].Partner.Forwarding() && s.Ports[1].Partner.Forwarding()
	}
	state := awaitBond(t, ce.Handle, "lag", 20*time.Second, one)
	if state.Active != 2 || !bytes.Equal(state.PartnerSystem, system[:]) {
		t.Errorf("aggregate of %d ports with %v", state.Active, state.PartnerSystem)
	}
	began := time.Now()
	must(t, b.SetActor("eth-trunk10", 100, [6]byte{2, 0, 0, 0, 0, 0x99}))
	awaitBond(t, ce.Handle, "lag", 10*time.Second, func(s links.BondState) bool { return s.Active == 1 })
	t.Logf("out of the aggregate after %v", time.Since(began))
	own := awaitBond(t, b.Handle, "eth-trunk10", time.Second, func(s links.BondState) bool { return s.Up })
	if !own.Up {
		t.Error("the bond aside is not up")
	}
	began = time.Now()
	must(t, b.SetActor("eth-trunk10", 100, system))
	awaitBond(t, ce.Handle, "lag", 10*time.Second, one)
	t.Logf("back in it after %v", time.Since(began))
}

// TestBondForgetsItsPartner takes a bond down and up while its partner is silent. The bond must
// not use the partner's old state.
func TestBondForgetsItsPartner(t *testing.T) {
	s, partner := newSpace(t), newSpace(t)
	addBond(t, s.Handle, "b0", lacpBond(system))
	addBond(t, partner.Handle, "lag", lacpBond([6]byte{}))
	must(t, s.AddVeth(links.VethEnd{Name: "p0"}, links.VethEnd{Name: "q0", NetNS: partner.FD()}))
	must(t, s.Enslave("b0", "p0"))
	must(t, partner.Enslave("lag", "q0"))
	must(t, partner.SetUp("lag", true))
	nothing := func(string) bool { return false }
	must(t, s.SetTrunkUp("b0", true, nothing))
	awaitBond(t, s.Handle, "b0", 20*time.Second, func(b links.BondState) bool { return len(b.Aggregated()) == 1 })
	must(t, partner.SetUp("lag", false)) // the port stays up and sends nothing more
	for range 10 {
		must(t, s.SetTrunkUp("b0", false, nothing))
		must(t, s.SetTrunkUp("b0", true, nothing))
		b := awaitBond(t, s.Handle, "b0", 5*time.Second, func(b links.BondState) bool { return b.Ports[0].Carrier })
		if b.Ports[0].Partner.Forwarding() {
			t.Fatalf("the partner takes what is sent, says %+v", b.Ports[0])
		}
	}
}

// TestBondUpAgain takes a bond with its ports down and up several times. Each time it soon has
// an active aggregator.
func TestBondUpAgain(t *testing.T) {
	s := newSpace(t)
	addBond(t, s.Handle, "b0", lacpBond(system))
	must(t, s.AddVeth(links.VethEnd{Name: "p0"}, links.VethEnd{Name: "q0"}))
	must(t, s.SetUp("q0", true))
	must(t, s.Enslave("b0", "p0"))
	nothing := func(string) bool { return false }
	for range 20 {
		must(t, s.SetTrunkUp("b0", true, nothing))
		awaitBond(t, s.Handle, "b0", 5*time.Second, func(b links.BondState) bool { return b.Up && b.Aggregator != 0 })
		must(t, s.SetTrunkUp("b0", false, nothing))
	}
}

func TestVLAN(t *testing.T) {
	s := newSpace(t)
	must(t, s.AddVeth(links.VethEnd{Name: "p0"}, links.VethEnd{Name: "q0"}))
	err := s.AddVLAN("p0.7", "p0", 700)
	if errors.Is(err, links.ErrNoDriver) {
		t.Skip("kernel lacks VLANs")
	}
	must(t, err)
	below, err := s.Link("p0")
	must(t, err)
	l, err := s.Link("p0.7")
	must(t, err)
	if l.Kind != "vlan" || l.VLAN != (links.VLAN{ID: 700, Parent: below.Index}) {
		t.Errorf("%+v", l)
	}
}

func TestPortState(t *testing.T) {
	s := links.PortState(0x3d)
	if s.String() != "10111100" || !s.Forwarding() {
		t.Errorf("%v, forwarding %v", s, s.Forwarding())
	}
	if links.PortState(0x05).Forwarding() {
		t.Error("forwards although out of synchronisation")
	}
}
