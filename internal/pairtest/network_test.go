package pairtest

import (
	"net/netip"
	"testing"

	"tandem/internal/linux/links"
	"tandem/internal/linux/testnet"
)

// Links of a device and of the two bridges.
const (
	coreLink = "core0"
	upLink   = "up0"
	legLink  = "eth-trunk10"
	bridge   = "br"
)

var sourceAddr = netip.MustParseAddr("2001:db8:5::100")

// network is what is around the daemons.
type network struct {
	t      *testing.T
	source *testnet.Node
	host   *testnet.Node
	nodes  map[string]*testnet.Node // the devices, "a" and "b"
}

// newNetwork builds everything but the daemons. The order gives the two ends
// of every cable different indexes: of a veth whose ends have the same one the
// kernel may report carrier late.
func newNetwork(t *testing.T) *network {
	t.Helper()
	n := newLegless(t)
	for d := range n.nodes {
		n.addLeg(d)
		n.address(d, legLink, "10")
	}
	testnet.AwaitLinkLocal(t, n.host, bridge)
	n.steer("a")
	return n
}

// newLegless builds everything but the daemons and the legs.
func newLegless(t *testing.T) *network {
	t.Helper()
	n := &network{t: t, source: testnet.NewNode(t), host: testnet.NewNode(t), nodes: map[string]*testnet.Node{
		"a": testnet.NewNode(t), "b": testnet.NewNode(t),
	}}
	for node, addr := range map[*testnet.Node]netip.Prefix{
		n.source: netip.PrefixFrom(sourceAddr, 64),
		n.host:   netip.MustParsePrefix("2001:db8:10::100/64"),
	} {
		testnet.Must(t, node.Links.AddBridge(bridge, links.BridgeOptions{}))
		testnet.Must(t, node.Links.SetUp(bridge, true))
		testnet.Must(t, node.Links.AddAddress(bridge, addr))
	}
	n.addUpstream("b")
	n.addCore()
	n.address("a", coreLink, "c")
	n.addUpstream("a")
	for d := range n.nodes {
		n.address(d, upLink, "5")
	}
	return n
}

// addCore connects the devices and gives B its address there; A's is left to
// the caller, or to its daemon.
func (n *network) addCore() {
	n.t.Helper()
	testnet.Cable(n.t, n.nodes["a"], coreLink, n.nodes["b"], coreLink)
	n.address("b", coreLink, "c")
}

// addUpstream connects a device to the source.
func (n *network) addUpstream(device string) {
	n.t.Helper()
	testnet.Cable(n.t, n.nodes[device], upLink, n.source, "up-"+device)
	testnet.Must(n.t, n.source.Links.AddPort(bridge, "up-"+device, links.PortOptions{}))
}

// addLeg connects a device to the host.
func (n *network) addLeg(device string) {
	n.t.Helper()
	testnet.Cable(n.t, n.nodes[device], legLink, n.host, "leg-"+device)
	testnet.Must(n.t, n.host.Links.AddPort(bridge, "leg-"+device, links.PortOptions{Isolated: true}))
}

// steer sends what the host says from now on up the leg to one device. The
// leg must be there.
func (n *network) steer(device string) {
	n.t.Helper()
	for d := range n.nodes {
		if _, err := n.host.Links.Link("leg-" + d); err != nil {
			continue
		}
		opt := links.PortOptions{Isolated: true, NoMulticast: d != device}
		testnet.Must(n.t, n.host.Links.AddPort(bridge, "leg-"+d, opt))
	}
}

// remove takes a link of a device away, as a module or a container that is
// unloaded does.
func (n *network) remove(device, link string) {
	n.t.Helper()
	testnet.Must(n.t, n.nodes[device].Links.Delete(link))
}

// addr is the address of a device in one of the networks c, 5 and 10.
func addr(network, device string) netip.Addr {
	return netip.MustParseAddr("2001:db8:" + network + "::" + device)
}

func (n *network) address(device, link, network string) {
	n.t.Helper()
	testnet.Must(n.t, n.nodes[device].Links.AddAddress(link, netip.PrefixFrom(addr(network, device), 64)))
}
