package netif_test

import (
	"bytes"
	"encoding/gob"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tandem/internal/config"
	"tandem/internal/daemon/netif"
	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/linux/links"
	"tandem/internal/linux/testnet"
	"tandem/internal/state"
)

// rig is an Owner of a namespace of its own, and what it has told.
type rig struct {
	t *testing.T
	*netif.Owner
	node    *testnet.Node
	runDir  string
	changes chan []links.Link
	told    map[string]device.LinkChanged // the last of each link
	events  []event.Event
	rebuild bool // Update has asked for it
}

func (r *rig) LinkChanged(l device.LinkChanged) { r.told[l.Netdev] = l }
func (r *rig) Emit(e event.Event)               { r.events = append(r.events, e) }

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, node: testnet.NewNode(t), runDir: t.TempDir()}
	r.open(netif.State{})
	return r
}

// open makes the Owner and has it take note of the links there are.
func (r *rig) open(s netif.State) {
	r.t.Helper()
	r.told = make(map[string]device.LinkChanged)
	r.changes = make(chan []links.Link)
	r.node.In(r.t, func() (err error) {
		r.Owner, err = netif.Open(netif.Options{RunDir: r.runDir, DeviceID: 1, News: r, State: s})
		return err
	})
	ended, owner, changes := make(chan struct{}), r.Owner, r.changes
	go func() {
		defer close(changes)
		for {
			changed, err := owner.Read()
			if err != nil {
				return
			}
			select {
			case changes <- changed:
			case <-ended:
				return
			}
		}
	}()
	r.t.Cleanup(func() { close(ended); owner.Close() })
	r.update()
}

// restart lets another Owner follow by way of what is handed on.
func (r *rig) restart() {
	r.t.Helper()
	var handedOn bytes.Buffer
	testnet.Must(r.t, gob.NewEncoder(&handedOn).Encode(r.State()))
	r.Close()
	var s netif.State
	testnet.Must(r.t, gob.NewDecoder(&handedOn).Decode(&s))
	r.open(s)
}

// update waits for the next changes of links.
func (r *rig) update() {
	r.t.Helper()
	select {
	case changed := <-r.changes:
		r.rebuild = r.Update(changed) || r.rebuild
	case <-time.After(10 * time.Second):
		r.t.Fatal("no link changes any more")
	}
}

func (r *rig) await(what string, is func() bool) {
	r.t.Helper()
	r.t.Logf("awaits: %s", what)
	for !is() {
		r.update()
	}
}

func (r *rig) configure(text string) {
	r.t.Helper()
	m, err := config.Parse(text, nil)
	testnet.Must(r.t, err)
	testnet.Must(r.t, r.Build(m))
	testnet.Must(r.t, r.Activate())
}

// link is what the kernel says.
func (r *rig) link(name string) links.Link {
	r.t.Helper()
	l, err := r.node.Links.Link(name)
	testnet.Must(r.t, err)
	return l
}

func (r *rig) has(name, address string) bool {
	return slices.Contains(r.Links().Get(name).Addresses, netip.MustParsePrefix(address))
}

func (r *rig) noEvents() {
	r.t.Helper()
	for _, e := range r.events {
		r.t.Errorf("logged: %s", e)
	}
}

const addressed = `
interface up0
 ipv6 enable
 ipv6 address 2001:db8::1/64
`

// TestAddresses: configured addresses come with the interface, whenever that is there, and
// go with the configuration. Those of others stay.
func TestAddresses(t *testing.T) {
	r := newRig(t)
	r.configure(addressed)
	testnet.Must(t, r.node.Links.AddVeth(links.VethEnd{Name: "up0"}, links.VethEnd{Name: "far0"}))
	testnet.Must(t, r.node.Links.AddAddress("up0", netip.MustParsePrefix("2001:db8:f::1/64")))
	r.await("the interface is up with its address", func() bool { return r.told["up0"].AdminUp && r.has("up0", "2001:db8::1/64") })

	testnet.Must(t, r.node.Links.DeleteAddress("up0", netip.MustParsePrefix("2001:db8::1/64")))
	r.await("the address is gone", func() bool { return !r.has("up0", "2001:db8::1/64") })
	r.await("the address is mended", func() bool { return r.has("up0", "2001:db8::1/64") })

	r.configure("interface up0\n")
	r.await("the address is undone", func() bool { return !r.has("up0", "2001:db8::1/64") })
	if !r.has("up0", "2001:db8:f::1/64") {
		t.Error("an address of somebody else is gone")
	}
	r.noEvents()
}

// TestTwoNamesOfOneInterface: the addresses that two configured names have for one link
// do not undo each other.
func TestTwoNamesOfOneInterface(t *testing.T) {
	r := newRig(t)
	testnet.Must(t, r.node.Links.AddVeth(links.VethEnd{Name: "up0"}, links.VethEnd{Name: "far0"}))
	testnet.Must(t, r.node.Links.SetAlias("up0", "GigabitEthernet0/1/0"))
	testnet.Must(t, r.node.Links.SetUp("up0", true))
	r.await("the link is up", func() bool { return r.told["up0"].AdminUp && r.Links().Netdev("GigabitEthernet0/1/0") == "up0" })
	both := addressed + `#
interface GigabitEthernet0/1/0
 ipv6 enable
 ipv6 address 2001:db8:2::1/64
`
	r.configure(both)
	r.configure(both)
	is := r.link("up0").Addresses
	for _, want := range []string{"2001:db8::1/64", "2001:db8:2::1/64"} {
		if !slices.Contains(is, netip.MustParsePrefix(want)) {
			t.Errorf("%s is missing: %v", want, is)
		}
	}
}

// TestShutdown: an interface that is shut down stays down, whoever sets it up; one that is
// not is set up once and then left to others.
func TestShutdown(t *testing.T) {
	r := newRig(t)
	testnet.Must(t, r.node.Links.AddVeth(links.VethEnd{Name: "up0"}, links.VethEnd{Name: "far0"}))
	r.await("the link is there", func() bool { return r.told["up0"].Exists })
	r.configure("interface up0\n")
	r.await("it is up", func() bool { return r.told["up0"].AdminUp })
	testnet.Must(t, r.node.Links.SetUp("up0", false))
	r.await("somebody sets it down", func() bool { return !r.told["up0"].AdminUp })
	r.configure("interface up0\n")
	if r.link("up0").AdminUp {
		t.Error("it was set up a second time")
	}

	r.configure("interface up0\n shutdown\n")
	testnet.Must(t, r.node.Links.SetUp("up0", true))
	r.await("somebody sets it up", func() bool { return r.told["up0"].AdminUp })
	r.await("it is down again", func() bool { return !r.told["up0"].AdminUp })
	r.configure("interface up0\n")
	r.await("it is up when that is undone", func() bool { return r.told["up0"].AdminUp })
	r.noEvents()
}

// TestAliases: a name with a slash means the link that carries it as its alias. The
// configuration has to be built anew when that is another link than before.
func TestAliases(t *testing.T) {
	r := newRig(t)
	testnet.Must(t, r.node.Links.AddVeth(links.VethEnd{Name: "ens3"}, links.VethEnd{Name: "ens4"}))
	for _, name := range []string{"ens3", "ens4"} { // the kernel tells of no alias while a link is down
		testnet.Must(t, r.node.Links.SetUp(name, true))
	}
	r.await("the links are up", func() bool { return r.told["ens3"].Up && r.told["ens4"].Up })
	const text = "interface GigabitEthernet0/1/0\n ipv6 enable\n ipv6 address 2001:db8::1/64\n"
	r.configure(text)
	r.carry("ens3")
	r.configure(text)
	r.await("the address is there", func() bool { return r.has("ens3", "2001:db8::1/64") })
	if r.rebuild {
		t.Error("built anew without a reason")
	}
	testnet.Must(t, r.node.Links.SetAlias("ens3", ""))
	r.await("nobody carries the name", func() bool { return r.Links().Netdev("GigabitEthernet0/1/0") != "ens3" })
	r.carry("ens4")
	r.configure(text)
	r.await("the address is there", func() bool { return r.has("ens4", "2001:db8::1/64") })
	r.noEvents()
}

// carry gives a link the alias and waits until the configuration is to be built anew.
func (r *rig) carry(netdev string) {
	r.t.Helper()
	testnet.Must(r.t, r.node.Links.SetAlias(netdev, "GigabitEthernet0/1/0"))
	r.await(netdev+" means another link", func() bool { return r.rebuild })
	r.rebuild = false
}

const member = `
e-trunk 1
#
interface Eth-Trunk10
 e-trunk 1
#
interface far0
 eth-trunk 10
`

// newLeg makes a bridge with one port that stands for a bond, as an operator may bring it.
func newLeg(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	testnet.Must(t, r.node.Links.AddBridge("eth-trunk10", links.BridgeOptions{}))
	testnet.Must(t, r.node.Links.AddVeth(links.VethEnd{Name: "far0"}, links.VethEnd{Name: "switch0"}))
	r.await("the links are there", func() bool { return r.told["eth-trunk10"].Exists && r.told["far0"].Exists && r.told["switch0"].Exists })
	r.configure(member)
	return r
}

// TestLegs: an adopted interface that is a leg is up when the device says so, and never else.
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

// TestLegsAreWrittenDown, so that a supervisor can take them down when the daemon has died.
func TestLegsAreWrittenDown(t *testing.T) {
	r := newLeg(t)
	text, err := os.ReadFile(filepath.Join(r.runDir, "legs"))
	if err != nil || string(text) != "eth-trunk10" {
		t.Errorf("%q, %v", text, err)
	}
}

// TestInterfacesShown: displays list the configured interfaces, those that are absent too,
// then the others.
func TestInterfacesShown(t *testing.T) {
	r := newLeg(t)
	infos := r.Interfaces()
	r.node.In(t, func() error { return netif.CountTraffic(infos) })
	var names []string
	for _, i := range infos {
		names = append(names, i.Name)
		if !i.Exists || i.Netdev == "" || i.MAC == "" {
			t.Errorf("shown: %+v", i)
		}
	}
	if want := []string{"Eth-Trunk10", "far0", "lo", "switch0"}; !slices.Equal(names, want) {
		t.Errorf("listed %v, want %v", names, want)
	}
	r.configure("interface up0\n")
	if absent := r.Interfaces()[0]; absent.Name != "up0" || absent.Exists || absent.Netdev != "" {
		t.Errorf("shown: %+v", absent)
	}
}

// TestTrunkWithoutDriver: where the kernel has no bonding the trunk has to be brought by
// somebody else. That is no error, and it is logged once.
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

// TestRestartChangesNothing: an Owner that follows a graceful restart knows what was done
// before. It leaves everything as it is until it has its configuration.
func TestRestartChangesNothing(t *testing.T) {
	r := newRig(t)
	testnet.Must(t, r.node.Links.AddVeth(links.VethEnd{Name: "up0"}, links.VethEnd{Name: "far0"}))
	r.await("the link is there", func() bool { return r.told["up0"].Exists })
	r.configure(addressed + "#\ninterface far0\n shutdown\n")
	r.await("the address is there", func() bool { return r.has("up0", "2001:db8::1/64") })

	watcher, err := links.WatchIn(r.node.Do)
	testnet.Must(t, err)
	defer watcher.Close()
	r.restart()
	r.configure(addressed + "#\ninterface far0\n shutdown\n")
	testnet.Must(t, r.node.Links.SetAlias("up0", "a change to wait for"))
	for {
		changed, err := watcher.Read()
		testnet.Must(t, err)
		for _, l := range changed {
			if l.Name == "up0" && !slices.Contains(l.Addresses, netip.MustParsePrefix("2001:db8::1/64")) {
				t.Fatal("the address was gone for a while")
			}
		}
		if slices.ContainsFunc(changed, func(l links.Link) bool { return l.Alias != "" }) {
			break
		}
	}
	r.configure("interface up0\n#\ninterface far0\n")
	r.await("what was done before is undone", func() bool { return !r.has("up0", "2001:db8::1/64") && r.told["far0"].AdminUp })
	r.noEvents()
}

// TestRestartLooksAtLegs: what is known of a leg is told from the beginning. It is looked
// at anew, because a restart may come while LACP is still at work.
func TestRestartLooksAtLegs(t *testing.T) {
	r := newLeg(t)
	r.Close()
	r.open(netif.State{Trunks: map[string]*netif.Trunk{"eth-trunk10": {Apart: true, Key: 7}}})
	if leg := r.told["eth-trunk10"]; !leg.Apart || leg.Key != 7 {
		t.Errorf("told: %+v", leg)
	}
	r.configure(member)
	if r.Due().IsZero() {
		t.Fatal("nobody looks at the legs")
	}
	r.Advance(r.Due())
	if leg := r.told["eth-trunk10"]; leg.Apart || leg.Key != 0 {
		t.Errorf("told of a bridge: %+v", leg)
	}
}

// TestAliasOfALinkThatIsDown: the kernel does not tell that a link that is down gets an
// alias. The link is found all the same.
func TestAliasOfALinkThatIsDown(t *testing.T) {
	r := newRig(t)
	testnet.Must(t, r.node.Links.AddVeth(links.VethEnd{Name: "ens3"}, links.VethEnd{Name: "ens4"}))
	r.await("the links are there", func() bool { return r.told["ens3"].Exists && r.told["ens4"].Exists })
	r.configure("interface GigabitEthernet0/1/0\n")
	testnet.Must(t, r.node.Links.SetAlias("ens3", "GigabitEthernet0/1/0"))
	if !r.Advance(time.Now().Add(time.Minute)) {
		t.Fatal("the alias is not noticed")
	}
	r.configure("interface GigabitEthernet0/1/0\n")
	r.await("the link is up", func() bool { return r.told["ens3"].AdminUp })
	if r.Advance(time.Now().Add(2*time.Minute)) || r.rebuild {
		t.Error("built anew without a reason")
	}
}
