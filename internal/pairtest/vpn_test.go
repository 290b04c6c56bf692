package pairtest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"tandem/internal/linux/links"
	"tandem/internal/linux/testnet"
)

// requireVRF skips the test if the kernel has no VRFs.
func requireVRF(t *testing.T, h *links.Handle) {
	t.Helper()
	err := h.AddVRF("probe", 99)
	if errors.Is(err, links.ErrNoDriver) {
		t.Skip("kernel lacks VRF")
	}
	testnet.Must(t, err)
	testnet.Must(t, h.DeleteVRF("probe"))
}

// publicLink is a second cable between the devices, with the same addresses as the first.
const publicLink = "core1"

// vpnLines returns a configuration in which the E-Trunk uses a VPN instance. Everything else is
// outside of it, with the same two addresses.
func vpnLines(device string) []string {
	peer := map[string]string{"a": "b", "b": "a"}[device]
	own := addr("c", device).String()
	ends := "peer-ipv6 " + addr("c", peer).String() + " source-ipv6 " + own
	inVPN := "peer-ipv6 " + addr("c", peer).String() + " vpn-instance mgmt"
	times := []string{"min-tx-interval 100", "min-rx-interval 100", "quit"}
	lines := []string{"system-view", "ip vpn-instance mgmt", "description between the two", "quit",
		"interface " + coreLink, "ip binding vpn-instance mgmt", "ipv6 enable", "ipv6 address " + own + "/64", "quit", "bfd", "quit"}
	for _, bind := range []string{
		"bfd public bind " + ends + " auto",
		"bfd hop bind " + inVPN + " source-ipv6 " + own + " interface " + coreLink + " auto",
	} {
		lines = append(append(lines, bind), times...)
	}
	lines = append(lines, "e-trunk 1", "priority "+map[string]string{"a": "10", "b": "20"}[device], "security-key simple Pair-Test-1",
		ends+" vpn-instance mgmt", "timer hello 5", "timer hold-on-failure multiplier 6",
		"e-trunk bfd enable", "e-trunk bfd min-tx-interval 100", "e-trunk bfd min-rx-interval 100", "quit")
	return append(lines, "commit", "return")
}

type sessionFacts struct {
	Name, State string
	VPN         string `json:"vpn-instance"`
}

func (d *device) bfd() (map[string]sessionFacts, error) {
	var all struct{ Sessions []sessionFacts }
	if err := d.display("bfd session all verbose", &all); err != nil {
		return nil, err
	}
	byName := make(map[string]sessionFacts)
	for _, s := range all.Sessions {
		byName[s.Name] = s
	}
	return byName, nil
}

// sees waits until a device's BFD sessions have the given states, and its E-Trunk's peer is
// alive or not as given.
func (p *pair) sees(what string, alive bool, states map[string]string) {
	p.t.Helper()
	for _, d := range []*device{p.a, p.b} {
		eventually(p.t, "device "+d.name+" "+what, func() error {
			sessions, err := d.bfd()
			if err != nil {
				return err
			}
			for name, state := range states {
				if sessions[name].State != state {
					return fmt.Errorf("%+v", sessions)
				}
			}
			f, err := facts[trunkFacts](d, "e-trunk 1", "e-trunks")
			if err == nil && f.PeerAlive != alive {
				err = fmt.Errorf("peer alive: %v", f.PeerAlive)
			}
			return err
		})
	}
}

// TestVPNInstance: the devices find each other in a VRF, which they make, keep and remove.
// Other sessions run outside of it with the same addresses.
func TestVPNInstance(t *testing.T) {
	t.Parallel()
	n := newLegless(t)
	requireVRF(t, n.host.Links)
	testnet.Cable(t, n.nodes["a"], publicLink, n.nodes["b"], publicLink)
	p := &pair{n, newDevice(t, "a", n.nodes["a"]), newDevice(t, "b", n.nodes["b"])}
	for d := range n.nodes {
		n.address(d, publicLink, "c")
	}
	p.a.start(vpnLines("a")...)
	p.b.start(vpnLines("b")...)
	up := map[string]string{"public": "Up", "hop": "Up", "e-trunk 1": "Up"}
	p.sees("has all sessions", true, up)
	sessions, err := p.a.bfd()
	testnet.Must(t, err)
	if sessions["public"].VPN != "" || sessions["hop"].VPN != "mgmt" || sessions["e-trunk 1"].VPN != "mgmt" {
		t.Errorf("%+v", sessions)
	}

	p.a.silence(coreLink)
	p.sees("has lost the VPN alone", false, map[string]string{"public": "Up", "hop": "Down", "e-trunk 1": "Down"})
	p.a.speaks()
	p.sees("has the VPN back", true, up)
	p.a.silence(publicLink)
	p.sees("has lost the public network alone", true, map[string]string{"public": "Down", "hop": "Up", "e-trunk 1": "Up"})
	p.a.speaks()
	p.sees("has everything back", true, up)

	// After somebody has removed the VRF, or a daemon has died, the VRF exists again and is
	// used.
	for _, hurt := range []func(){
		func() { testnet.Must(t, p.a.Links.Delete("mgmt")) },
		func() { testnet.Must(t, p.b.Links.Release(coreLink)) },
		func() { p.a.kill(); p.a.start() },
	} {
		hurt()
		p.sees("has everything back", true, up)
	}
	refused := func() string {
		p.a.types("system-view", "undo ip vpn-instance mgmt")
		defer p.a.types("clear configuration candidate", "return")
		return p.a.refuses("commit")
	}()
	contains(t, refused, "unknown vpn-instance mgmt")

	p.a.configures("e-trunk 1", "undo e-trunk bfd enable", "undo peer-ipv6", "quit", "undo bfd hop",
		"interface "+coreLink, "undo ip binding vpn-instance", "quit", "undo ip vpn-instance mgmt")
	eventually(t, "the world is as it was", func() error {
		list, err := p.a.Links.List()
		if err != nil {
			return err
		}
		at := slices.IndexFunc(list, func(l links.Link) bool { return l.Name == coreLink })
		switch {
		case slices.ContainsFunc(list, func(l links.Link) bool { return l.VRF != 0 }):
			return errors.New("the VRF is still there")
		case list[at].Master != 0 || !list[at].Up || !hasAddress(list[at], addr("c", "a").String()):
			return fmt.Errorf("%+v", list[at])
		}
		return nil
	})
	sessions, err = p.a.bfd()
	testnet.Must(t, err)
	if _, left := sessions["public"]; len(sessions) != 1 || !left { // its route is ambiguous now
		t.Errorf("%+v", sessions)
	}
}
