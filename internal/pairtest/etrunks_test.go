package pairtest

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"tandem/internal/linux/links"
	"tandem/internal/linux/testnet"
)

// site is a switch with a host below one Eth-Trunk of each device. The numbers of the
// trunks may differ.
type site struct {
	*network
	eTrunk  int
	trunk   map[string]int // number by device
	mode    string
	backup  int // backup-id
	group   netip.Addr
	hearing *listener
}

// newSite makes the links of a site.
func (n *network) newSite(eTrunk int, a, b int, mode string) *site {
	n.t.Helper()
	own := *n
	own.host = testnet.NewNode(n.t)
	s := &site{network: &own, eTrunk: eTrunk, trunk: map[string]int{"a": a, "b": b}, mode: mode, backup: a,
		group: netip.MustParseAddr(fmt.Sprintf("ff3e::8000:%d", a))}
	testnet.Must(n.t, own.host.Links.AddBridge(bridge, links.BridgeOptions{}))
	testnet.Must(n.t, own.host.Links.SetUp(bridge, true))
	testnet.Must(n.t, own.host.Links.AddAddress(bridge, netip.MustParsePrefix(fmt.Sprintf("2001:db8:%d::100/64", a))))
	for d, number := range s.trunk {
		link := fmt.Sprintf("eth-trunk%d", number)
		testnet.Cable(n.t, n.nodes[d], link, own.host, "leg-"+d)
		testnet.Must(n.t, own.host.Links.AddPort(bridge, "leg-"+d, links.PortOptions{Isolated: true}))
		n.address(d, link, fmt.Sprint(a))
	}
	testnet.AwaitLinkLocal(n.t, own.host, bridge)
	return s
}

// lines returns the configuration of the site on a device.
func (s *site) lines(device string) []string {
	other := map[string]string{"a": "b", "b": "a"}[device]
	own, remote := s.trunk[device], s.trunk[other]
	profile := fmt.Sprintf("rbp%d", s.backup)
	return []string{
		"remote-backup-profile " + profile, fmt.Sprintf("backup-id %d remote-backup-service rbs1", s.backup), "peer-backup hot", "service-type mld",
		fmt.Sprintf("e-trunk %d eth-trunk %d", s.eTrunk, own), "quit",
		fmt.Sprintf("interface eth-trunk %d", own), "mld enable", fmt.Sprintf("e-trunk %d remote-eth-trunk %d", s.eTrunk, remote),
		"e-trunk mode " + s.mode, "remote-backup-profile " + profile, "quit",
	}
}

// twoETrunks returns the configuration of a device with two E-Trunks, each with a BFD session.
// A is preferred as Master of the first, B of the second.
func twoETrunks(device string, sites []*site) []string {
	peer := map[string]string{"a": "b", "b": "a"}[device]
	ends := "peer-ipv6 " + addr("c", peer).String() + " source-ipv6 " + addr("c", device).String()
	lines := []string{"system-view", "multicast ipv6 routing-enable", "lacp e-trunk priority 100", "bfd", "quit",
		"interface up0", "mld proxy", "quit", "remote-backup-service rbs1", ends, "quit"}
	priority := map[string][]string{"a": {"10", "20"}, "b": {"20", "10"}}[device]
	for i, p := range priority {
		lines = append(lines, fmt.Sprintf("e-trunk %d", i+1), "priority "+p, "security-key simple Pair-Test-1", ends,
			"timer hello 5", "timer hold-on-failure multiplier 6", "timer revert delay 0",
			"e-trunk bfd enable", "e-trunk bfd min-tx-interval 100", "e-trunk bfd min-rx-interval 100", "quit")
	}
	for _, s := range sites {
		lines = append(lines, s.lines(device)...)
	}
	return append(lines, "commit", "return")
}

// eTrunkFacts is the part of display e-trunk that the test reads.
type eTrunkFacts struct {
	ID      int    `json:"e-trunk-id"`
	State   string `json:"state"`
	Cause   string `json:"causation"`
	Session string `json:"bfd-session"`
	BFD     string `json:"bfd-state"`
	Members []struct {
		ID     int
		State  string
		Remote int `json:"remote-id"`
	}
	Duties []struct {
		ID     int
		Duty   string
		Covers string
	}
	Differences []struct{ Object, Setting, Local, Peer string }
}

func (d *device) eTrunks() (map[int]eTrunkFacts, error) {
	var all struct {
		ETrunks []eTrunkFacts `json:"e-trunks"`
	}
	if err := d.display("e-trunk", &all); err != nil {
		return nil, err
	}
	byID := make(map[int]eTrunkFacts)
	for _, e := range all.ETrunks {
		byID[e.ID] = e
	}
	return byID, nil
}

// is waits until a device shows, for each of its two E-Trunks, this role, and this duty
// on every member.
func (d *device) is(what string, roles, duties [2]string) {
	d.t.Helper()
	eventually(d.t, "device "+d.name+" "+what, func() error {
		all, err := d.eTrunks()
		if err != nil {
			return err
		}
		for i := range roles {
			e := all[i+1]
			wrong := e.State != roles[i] || len(e.Duties) != 2
			for _, duty := range e.Duties {
				wrong = wrong || duty.Duty != duties[i] || (duty.Duty == "shared" && duty.Covers == "all")
			}
			if wrong {
				return fmt.Errorf("%+v, want %s with %s", e, roles[i], duties[i])
			}
		}
		return nil
	})
}

// TestSeveralETrunks runs two E-Trunks with two Eth-Trunks each between the same two devices:
// one is active-active, of the other one device B is Master. Each device dies and comes back,
// twice.
func TestSeveralETrunks(t *testing.T) {
	t.Parallel()
	n := newLegless(t)
	sites := []*site{
		n.newSite(1, 10, 10, "force-master"), n.newSite(1, 11, 12, "force-master"),
		n.newSite(2, 20, 20, "auto"), n.newSite(2, 21, 31, "auto"),
	}
	p := &pair{n, newDevice(t, "a", n.nodes["a"]), newDevice(t, "b", n.nodes["b"])}
	p.a.start(twoETrunks("a", sites)...)
	p.b.start(twoETrunks("b", sites)...)

	together := func() {
		t.Helper()
		p.a.is("is Master of the first and Backup of the second", [2]string{"Master", "Backup"}, [2]string{"shared", "none"})
		p.b.is("is Backup of the first and Master of the second", [2]string{"Backup", "Master"}, [2]string{"shared", "sole"})
	}
	together()
	all, err := p.a.eTrunks()
	testnet.Must(t, err)
	for id, e := range all {
		if e.Session != "e-trunk 1" || e.BFD != "Up" || len(e.Differences) != 0 {
			t.Errorf("E-Trunk %d: %+v", id, e)
		}
	}
	if m := all[2].Members; len(m) != 2 || m[1].ID != 21 || m[1].Remote != 31 {
		t.Errorf("members %+v", m)
	}
	var sessions struct{ Sessions []json.RawMessage }
	testnet.Must(t, p.a.display("bfd session dynamic", &sessions))
	if len(sessions.Sessions) != 1 {
		t.Errorf("%d BFD sessions for two E-Trunks between the same addresses", len(sessions.Sessions))
	}

	groups := make([]netip.Addr, len(sites))
	for i, s := range sites {
		groups[i] = s.group
	}
	src := n.stream(groups...)
	for _, s := range sites {
		s.hearing = s.join(s.group, sourceAddr)
	}
	served := func() {
		t.Helper()
		for _, s := range sites {
			s.hearing.awaits(src)
		}
	}
	served()
	for range 2 {
		p.a.crash()
		p.b.is("serves everything", [2]string{"Master", "Master"}, [2]string{"sole", "sole"})
		served()
		p.a.start()
		together()
		served()

		p.b.crash()
		p.a.is("serves everything", [2]string{"Master", "Master"}, [2]string{"sole", "sole"})
		served()
		p.b.start()
		together()
		served()
	}
}

// TestSettingsAreCompared: a setting that differs is shown on both devices until it is
// corrected.
func TestSettingsAreCompared(t *testing.T) {
	p := newPair(t)
	p.start()
	named := func(d *device, want ...string) {
		t.Helper()
		eventually(t, "device "+d.name+" names what differs", func() error {
			all, err := d.eTrunks()
			if err != nil {
				return err
			}
			var got []string
			for _, f := range all[1].Differences {
				got = append(got, strings.TrimSpace(f.Object+" "+f.Setting+" "+f.Local+" "+f.Peer))
			}
			if !slices.Equal(got, want) {
				return fmt.Errorf("%q, want %q", got, want)
			}
			return nil
		})
	}
	named(p.a)
	contains(t, p.a.shows("e-trunk 1"), "Both devices agree")
	p.b.configures("lacp e-trunk priority 7", "interface eth-trunk 10", "mode lacp-static", "quit",
		"remote-backup-profile rbp1", "backup-id 11 remote-backup-service rbs1", "undo service-type mld")
	named(p.a, "lacp e-trunk priority 32768 7", "Eth-Trunk10 mode manual lacp-static", "Eth-Trunk10 backup-id 10 11", "Eth-Trunk10 service-type mld none")
	named(p.b, "lacp e-trunk priority 7 32768", "Eth-Trunk10 mode lacp-static manual", "Eth-Trunk10 backup-id 11 10", "Eth-Trunk10 service-type none mld")
	contains(t, p.a.shows("e-trunk 1"), "Eth-Trunk10  backup-id")
	p.b.configures("undo lacp e-trunk priority", "interface eth-trunk 10", "undo mode", "quit",
		"remote-backup-profile rbp1", "backup-id 10 remote-backup-service rbs1", "service-type mld")
	named(p.a)
	named(p.b)
	p.forms(0)
	p.b.configures("e-trunk 1", "security-key simple Wrong-1")
	named(p.a, "security-key")
	p.b.configures("e-trunk 1", "security-key simple Pair-Test-1")
	named(p.a)
}
