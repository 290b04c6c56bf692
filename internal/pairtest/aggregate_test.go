package pairtest

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"tandem/internal/linux/links"
	"tandem/internal/linux/testnet"
)

// lagPair is a pair below a switch with one LACP aggregate to both devices. The switch hashes
// the host's packets by layers 3 and 4.
type lagPair struct {
	*pair
	lag lag
}

// lag is the switch's side of the aggregate.
type lag interface {
	// members lists the devices whose port is in the switch's aggregate.
	members() ([]string, error)
	// legs returns the node with the switch's ports, which are named after the devices.
	legs() *testnet.Node
	// describe returns the switch's state of the aggregate.
	describe() string
}

// kernelLAG is a bond of the switch's kernel.
type kernelLAG struct{ node *testnet.Node }

// newBondPair returns a pair below a bond of the kernel.
func newBondPair(t *testing.T) *lagPair {
	t.Helper()
	requireBonding(t, testnet.NewNode(t).Links)
	n := newLegless(t)
	testnet.Must(t, n.host.Links.AddBond(lagLink, lagBond, nil))
	testnet.Must(t, n.host.Links.AddPort(bridge, lagLink, links.PortOptions{}))
	for d, node := range n.nodes {
		testnet.Cable(t, n.host, "leg-"+d, node, portLink)
		testnet.Must(t, n.host.Links.Enslave(lagLink, "leg-"+d))
	}
	testnet.Must(t, n.host.Links.SetUp(lagLink, true))
	return &lagPair{&pair{n, newDevice(t, "a", n.nodes["a"]), newDevice(t, "b", n.nodes["b"])}, kernelLAG{n.host}}
}

// start starts both devices. Each has an Eth-Trunk with one port.
func (p *lagPair) start() {
	p.t.Helper()
	for _, d := range []*device{p.a, p.b} {
		d.start(append(trunkLines(d.name), configuration(d.name)...)...)
	}
}

func (l kernelLAG) legs() *testnet.Node { return l.node }

func (l kernelLAG) members() (devices []string, err error) {
	s, err := l.node.Links.Bond(lagLink)
	if err != nil {
		return nil, err
	}
	for _, port := range s.Aggregated() {
		devices = append(devices, strings.TrimPrefix(port, "leg-"))
	}
	slices.Sort(devices)
	return devices, nil
}

func (l kernelLAG) describe() string { return describeBond(l.node, "the switch", lagLink) }

// aggregates waits until the switch's aggregate has the ports to some devices, and returns how
// long that took.
func (p *lagPair) aggregates(devices ...string) time.Duration {
	p.t.Helper()
	began := time.Now()
	eventually(p.t, fmt.Sprintf("the switch has the ports to %v in its aggregate", devices), func() error {
		is, err := p.lag.members()
		if err == nil && !slices.Equal(is, devices) {
			err = fmt.Errorf("it has %v\n%s", is, p.lacp())
		}
		return err
	})
	return time.Since(began)
}

// lacp returns the state of the aggregate at the switch and at both devices.
func (p *lagPair) lacp() string {
	return p.lag.describe() + describeBond(p.nodes["a"], "device a", legLink) + describeBond(p.nodes["b"], "device b", legLink)
}

func describeBond(node *testnet.Node, of, name string) string {
	s, err := node.Links.Bond(name)
	if err != nil {
		return err.Error() + "\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s of %s: system %x, address %v, active aggregator %d with %d ports, partner %v, up %v\n",
		s.Name, of, s.Bond.ActorSystem, s.HardwareAddr, s.Aggregator, s.Active, s.PartnerSystem, s.Up)
	for _, port := range s.Ports {
		fmt.Fprintf(&b, "  %+v\n", port)
	}
	return b.String()
}

// TestAggregateOverBothDevices is the main scenario with real LACP: one aggregate over two
// devices. It measures what each fault costs the listeners.
func TestAggregateOverBothDevices(t *testing.T) {
	p := newBondPair(t)
	p.start()
	t.Logf("one aggregate over both devices after %v", p.aggregates("a", "b"))
	p.displays(p.a)
	src, listeners := p.serves()
	p.plays(src, listeners, p.faults()...)
}

// displays waits until a device shows its Eth-Trunk correctly: the port is distributing on both
// sides, and the switch is the partner.
func (p *lagPair) displays(d *device) {
	p.t.Helper()
	lag, err := p.host.Links.Bond(lagLink)
	testnet.Must(p.t, err)
	partner := hex.EncodeToString(lag.HardwareAddr)
	const open = "11111100" // active, short timeout, aggregatable, in sync, collecting, distributing
	eventually(p.t, "device "+d.name+" shows its Eth-Trunk", func() error {
		f, err := d.ethTrunk()
		if err == nil && (f.Leg != "joined" || f.UpPorts != 1 || len(f.Ports) != 1 || f.Ports[0].State != open ||
			len(f.Partners) != 1 || f.Partners[0].State != open || strings.ReplaceAll(f.Partners[0].System, "-", "") != partner) {
			err = fmt.Errorf("%+v, the switch is %s", f, partner)
		}
		return err
	})
}

// serves lets the host listen to four streams, of which the hash gives each device two.
func (p *lagPair) serves() (*source, []*listener) {
	p.t.Helper()
	var groups []netip.Addr
	for _, low := range []string{"1", "2", "3", "7"} {
		groups = append(groups, netip.MustParseAddr("ff3e::8000:"+low))
	}
	src := p.stream(groups...)
	var listeners []*listener
	for _, g := range groups {
		listeners = append(listeners, p.join(g, sourceAddr))
	}
	p.forms(len(groups))
	for _, l := range listeners {
		l.awaits(src)
	}
	return src, listeners
}

// fault is a fault that the pair must survive.
type fault struct {
	name         string
	inject, heal func()
}

// faults returns the faults that the pair is made for.
func (p *lagPair) faults() []fault {
	set := func(n *testnet.Node, link string, up bool) func() {
		return func() { testnet.Must(p.t, n.Links.SetUp(link, up)) }
	}
	return []fault{
		{"1 and 7, tandemd killed and back empty", p.a.crash, func() { p.a.start() }},
		{"2, device isolated without a word", func() { p.a.silence(portLink, upLink, coreLink) }, p.a.speaks},
		{"3, port of the Eth-Trunk down", set(p.lag.legs(), "leg-a", false), set(p.lag.legs(), "leg-a", true)},
		{"4, upstream down", set(p.source, "up-a", false), set(p.source, "up-a", true)},
		{"5, backup service cut", p.a.cutService, p.a.healService},
		{"6, path between the devices cut", func() { p.a.silence(coreLink) }, p.a.speaks},
		{"8, switchover and back", func() { p.a.types("switchover e-trunk 1") }, func() { p.a.types("undo switchover e-trunk 1") }},
	}
}

// faultTime is how long a fault lasts.
const faultTime = 3 * time.Second

// plays plays faults and prints what the listeners missed in each, by the guest's clock.
// The emulation is too slow and uneven to check the time limits. A fault that the pair
// does not survive costs its whole duration.
func (p *lagPair) plays(src *source, listeners []*listener, faults ...fault) {
	p.t.Helper()
	for _, f := range faults {
		from := src.position()
		f.inject()
		time.Sleep(faultTime)
		mid := src.position()
		f.heal()
		p.aggregates("a", "b")
		p.forms(len(listeners))
		time.Sleep(300 * time.Millisecond)
		p.counts("fault "+f.name, listeners, from, mid, src.position())
	}
}

// inFlight is how many packets may still be under way.
const inFlight = 50

// counts shows what each listener has missed since a fault and since its repair. It fails if
// the fault was not survived.
func (p *lagPair) counts(fault string, listeners []*listener, from, healed, to uint32) {
	p.t.Helper()
	for _, l := range listeners {
		lost, back := l.missed(from, healed), l.missed(healed, to-inFlight)
		p.t.Logf("%s: %s missed %v, after healing %v", fault, l.group, time.Duration(lost)*streamInterval, time.Duration(back)*streamInterval)
		if longest := time.Duration(lost+back) * streamInterval; longest > faultTime*2/3 {
			p.t.Errorf("%s: %s was missing for %v", fault, l.group, longest)
		}
	}
}

// hasLeg waits until a device's leg has a state, and is up.
func (d *device) hasLeg(where string) {
	d.t.Helper()
	eventually(d.t, "the leg of device "+d.name+" is "+where, func() error {
		f, err := d.ethTrunk()
		if err == nil && (f.Leg != where || f.Status != "up") {
			err = fmt.Errorf("it is %s, the bond is %s", f.Leg, f.Status)
		}
		return err
	})
}

// TestLever: in mode `auto` the two devices decide who serves. The Backup's leg is up but
// outside of the switch's aggregate. It joins the aggregate when it is needed.
func TestLever(t *testing.T) {
	p := newBondPair(t)
	p.start()
	p.aggregates("a", "b")
	p.forms(0)
	for _, d := range []*device{p.b, p.a} {
		d.configures("interface eth-trunk 10", "e-trunk mode auto")
	}
	began := time.Now()
	p.b.hasLeg("aside")
	p.aggregates("a")
	t.Logf("the Backup's leg left the aggregate after %v", time.Since(began))
	group := netip.MustParseAddr("ff3e::8000:1")
	src := p.stream(group)
	l := p.join(group, sourceAddr)
	l.awaits(src)

	from := src.position()
	p.a.crash()
	p.aggregates("b")
	l.awaits(src)
	died := src.position()
	p.a.start()
	p.aggregates("a")
	l.awaits(src)
	t.Logf("the stream was missing for %v when the Master died, for %v when it was given back",
		time.Duration(l.missed(from, died-50))*streamInterval, time.Duration(l.missed(died-50, src.position()-50))*streamInterval)
}
