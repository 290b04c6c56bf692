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

// network is the environment of the daemons.
type network struct {
	t      *testing.T
	source *testnet.Node
	host   *testnet.Node
	nodes  map[string]*testnet.Node // the devices, "a" and "b"
}

// newNetwork builds everything except the daemons. By the order, the two ends of every cable
// get different indexes. If they are equal, the kernel may report the carrier of a veth late.
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

// newLegless builds everything except the daemons and the legs.
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

// addCore connects the devices and gives B its address. The caller, or A's daemon, gives A its
// address.
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

// steer makes the switch send the host's messages on the leg to one device. The leg must exist.
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

// remove removes a link of a device, as unloading a module or a container does.
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
