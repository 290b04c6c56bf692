package bench

import (
	"errors"
	"net"
	"net/netip"

	"tandem/internal/linux/links"
	"tandem/internal/linux/netns"
)

// The nodes of the network.
const (
	deviceA   = "a"
	deviceB   = "b"
	generator = "gen"
)

// Names of the links: those of a device, and those of the generator to each device.
const (
	legLink      = "eth-trunk10"
	upstreamLink = "up0"
	coreLink     = "core0"
)

func hostLink(device string) string   { return "host-" + device }
func sourceLink(device string) string { return "source-" + device }

// network is a network of namespaces without names. The kernel removes them when this
// process ends, however it ends.
type network struct {
	spaces map[string]*netns.Namespace
	index  map[string]int // indexes of the generator's links
}

// newNetwork makes the namespaces and cables. The second end of a cable must have another
// interface index than the first. Otherwise the kernel would not recognise a veth.
func newNetwork() (*network, error) {
	n := &network{spaces: make(map[string]*netns.Namespace), index: make(map[string]int)}
	if err := n.build(); err != nil {
		return nil, errors.Join(err, n.close())
	}
	return n, nil
}

func (n *network) build() error {
	for _, part := range []string{generator, deviceA, deviceB} {
		ns, err := netns.New()
		if err != nil {
			return err
		}
		n.spaces[part] = ns
		if err := ns.DisableDAD(); err != nil {
			return err
		}
	}
	// The generator must send only the frames that it writes itself.
	if err := n.spaces[generator].SetSysctl("ipv6/conf/default/disable_ipv6", "1"); err != nil {
		return err
	}
	for _, d := range []string{deviceA, deviceB} {
		ns := n.spaces[d]
		if err := errors.Join(ns.EnableForwarding(), ns.SetSysctl("ipv6/conf/default/keep_addr_on_down", "1")); err != nil {
			return err
		}
	}
	for _, spare := range []struct{ part, link string }{{generator, "spare0"}, {generator, "spare1"}, {deviceB, "spare0"}} {
		if err := n.cable(spare.part, spare.link, spare.part, spare.link+"x"); err != nil {
			return err
		}
	}
	if err := n.cable(deviceA, coreLink, deviceB, coreLink); err != nil {
		return err
	}
	for _, d := range []string{deviceA, deviceB} {
		if err := n.cable(d, legLink, generator, hostLink(d)); err != nil {
			return err
		}
		if err := n.cable(d, upstreamLink, generator, sourceLink(d)); err != nil {
			return err
		}
	}
	return n.inside(generator, func(h *links.Handle) error {
		list, err := h.List()
		for _, l := range list {
			n.index[l.Name] = l.Index
		}
		return err
	})
}

func (n *network) inside(part string, f func(*links.Handle) error) error {
	h, err := links.OpenIn(n.spaces[part].Do)
	if err != nil {
		return err
	}
	defer h.Close()
	return f(h)
}

// cable makes a cable and sets both ends up.
func (n *network) cable(partA, linkA, partB, linkB string) error {
	err := n.inside(partA, func(h *links.Handle) error {
		return h.AddVeth(links.VethEnd{Name: linkA}, links.VethEnd{Name: linkB, NetNS: n.spaces[partB].FD()})
	})
	if err != nil {
		return err
	}
	for _, e := range []struct{ part, link string }{{partA, linkA}, {partB, linkB}} {
		if err := n.inside(e.part, func(h *links.Handle) error { return h.SetUp(e.link, true) }); err != nil {
			return err
		}
	}
	return nil
}

func (n *network) close() error {
	var errs []error
	for _, ns := range n.spaces {
		errs = append(errs, ns.Close())
	}
	return errors.Join(errs...)
}

// Addresses: a source that all figures use, and groups and hosts by number.
var sourceAddr = netip.MustParseAddr("2001:db8:5::10")

// groupAddr returns the n-th group, in the range for SSM.
func groupAddr(n int) netip.Addr {
	return netip.AddrFrom16([16]byte{0xff, 0x3e, 12: byte(n>>24) | 0x80, 13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n)})
}

// groupNumber is the inverse of groupAddr.
func groupNumber(a []byte) int {
	return int(a[12]&0x7f)<<24 | int(a[13])<<16 | int(a[14])<<8 | int(a[15])
}

// hostAddr returns the link-local address of the n-th host.
func hostAddr(n int) netip.Addr {
	return netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 8: 1, 12: byte(n >> 24), 13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n)})
}

// multicastMAC returns the Ethernet address of a group (RFC 2464, section 7).
func multicastMAC(a netip.Addr) net.HardwareAddr {
	b := a.As16()
	return net.HardwareAddr{0x33, 0x33, b[12], b[13], b[14], b[15]}
}
