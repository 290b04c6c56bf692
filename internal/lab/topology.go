package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"tandem/internal/linux/links"
	"tandem/internal/linux/netns"
)

// topology is the built network: namespaces and links, no processes.
type topology struct {
	plan
	spaces map[string]*netns.Namespace // by part
}

// buildTopology makes the namespaces and the links between them. What it made
// is removed again when it fails.
func buildTopology(p plan) (*topology, error) {
	t := &topology{plan: p, spaces: make(map[string]*netns.Namespace)}
	err := t.build()
	if err != nil {
		return nil, errors.Join(err, t.remove())
	}
	return t, nil
}

// build goes from the middle to the edges. The order also gives the two ends
// of every cable different interface indices: the kernel takes a veth whose
// ends have the same index for a plain device and may report its carrier up to
// a second late. checkIndices holds us to it.
func (t *topology) build() error {
	for _, part := range parts() {
		if err := t.addSpace(part); err != nil {
			return err
		}
	}
	steps := []func() error{t.buildSwitch, t.buildSource, t.buildCore}
	for _, d := range devices {
		steps = append(steps, func() error { return t.buildDevice(d) })
	}
	for _, step := range append(steps, t.checkIndices) {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (t *topology) addSpace(part string) error {
	ns, err := netns.Create(t.ns(part))
	if errors.Is(err, netns.ErrExists) {
		return fmt.Errorf("%w: another lab is up, or one was not taken down: run \"tandem-lab down\"", err)
	}
	if err != nil {
		return err
	}
	t.spaces[part] = ns
	if err := ns.DisableDAD(); err != nil {
		return err
	}
	if mute := part == "ce" || part == "src" || part == "core"; mute {
		// Ports of a switch have no addresses: nothing but what is sent through
		// it is to appear on a cable.
		if err := ns.SetSysctl("ipv6/conf/default/disable_ipv6", "1"); err != nil {
			return err
		}
	}
	return t.inside(part, func(h *links.Handle) error { return h.SetUp("lo", true) })
}

// inside runs f with a handle for the links of a part.
func (t *topology) inside(part string, f func(*links.Handle) error) error {
	h, err := links.OpenIn(t.spaces[part].Do)
	if err != nil {
		return err
	}
	defer h.Close()
	if err := f(h); err != nil {
		return fmt.Errorf("%s: %w", t.ns(part), err)
	}
	return nil
}

// end is one end of a cable.
type end struct {
	part, link string
	kind, n    byte // of the hardware address
}

// cable lays a cable and enables both its ends.
func (t *topology) cable(a, b end) error {
	veth := func(e end) links.VethEnd {
		return links.VethEnd{Name: e.link, NetNS: t.spaces[e.part].FD(), HardwareAddr: mac(e.kind, e.n)}
	}
	if err := t.inside(a.part, func(h *links.Handle) error { return h.AddVeth(veth(a), veth(b)) }); err != nil {
		return err
	}
	for _, e := range []end{a, b} {
		if err := t.inside(e.part, func(h *links.Handle) error { return h.SetUp(e.link, true) }); err != nil {
			return err
		}
	}
	return nil
}

// plug makes links ports of the bridge of a part.
func (t *topology) plug(part string, opt links.PortOptions, ports ...string) error {
	return t.inside(part, func(h *links.Handle) error {
		for _, port := range ports {
			if err := h.AddPort(bridgeLink, port, opt); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *topology) addBridge(part string, opt links.BridgeOptions) error {
	return t.inside(part, func(h *links.Handle) error {
		if err := h.AddBridge(bridgeLink, opt); err != nil {
			return err
		}
		return h.SetUp(bridgeLink, true)
	})
}

// buildSwitch builds the access switch and the hosts. It floods multicast like
// a switch without snooping.
func (t *topology) buildSwitch() error {
	if err := t.addBridge("ce", links.BridgeOptions{}); err != nil {
		return err
	}
	if t.lacp {
		if err := t.addLAG(); err != nil {
			return err
		}
	}
	for h := 1; h <= hostCount; h++ {
		if err := t.addHost(h); err != nil {
			return err
		}
	}
	return nil
}

// addLAG gives the switch a bond for the legs, which hashes what hosts say by
// addresses and ports.
func (t *topology) addLAG() error {
	return t.inside("ce", func(h *links.Handle) error {
		bond := links.Bond{Mode: links.BondLACP, Monitor: 10 * time.Millisecond, Fast: true}
		if err := h.AddBond(lagLink, bond, mac(3, 0)); err != nil {
			return err
		}
		if err := h.AddPort(bridgeLink, lagLink, links.PortOptions{}); err != nil {
			return err
		}
		return h.SetUp(lagLink, true)
	})
}

// aggregated returns nil when the switch's bond has the legs to both devices in its
// aggregate, and where there is no bond.
func (t *topology) aggregated() error {
	if !t.lacp {
		return nil
	}
	return t.inside("ce", func(h *links.Handle) error {
		bond, err := h.Bond(lagLink)
		if err == nil && len(bond.Aggregated()) != len(devices) {
			err = fmt.Errorf("the switch has %v in its aggregate: active %d, partner %v, ports %+v", bond.Aggregated(), bond.Aggregator, bond.PartnerSystem, bond.Ports)
		}
		return err
	})
}

func (t *topology) addHost(h int) error {
	part, n := hostPart(h), byte(h)
	if err := t.cable(end{part, hostLink, 1, n}, end{"ce", part, 2, n}); err != nil {
		return err
	}
	if err := t.plug("ce", links.PortOptions{}, part); err != nil {
		return err
	}
	if h == v1Host {
		if err := t.spaces[part].SetSysctl("ipv6/conf/"+hostLink+"/force_mld_version", "1"); err != nil {
			return err
		}
	}
	return t.inside(part, func(l *links.Handle) error { return l.AddAddress(hostLink, hostAddr(h)) })
}

// buildSource builds the source and the bridge in front of it, which passes a
// group on only to the ports that asked for it by MLD.
func (t *topology) buildSource() error {
	ns := t.spaces["src"]
	err := t.inside("src", func(h *links.Handle) error {
		return h.AddBridge(bridgeLink, links.BridgeOptions{Snooping: true})
	})
	if err != nil {
		return err
	}
	// A querier needs a link-local address.
	if err := ns.SetSysctl("ipv6/conf/"+bridgeLink+"/disable_ipv6", "0"); err != nil {
		return err
	}
	if err := t.cable(end{"src", hostLink, 5, 1}, end{"src", "source", 5, 2}); err != nil {
		return err
	}
	if err := ns.SetSysctl("ipv6/conf/"+hostLink+"/disable_ipv6", "0"); err != nil {
		return err
	}
	if err := t.plug("src", links.PortOptions{}, "source"); err != nil {
		return err
	}
	err = t.inside("src", func(h *links.Handle) error {
		if err := h.AddAddress(hostLink, netip.PrefixFrom(sourceAddr, 64)); err != nil {
			return err
		}
		return h.SetUp(bridgeLink, true)
	})
	if err != nil {
		return err
	}
	return startQuerier(ns, bridgeLink, sourceQuerier)
}

// sourceQuerier asks often enough that a device which stopped reporting loses
// its streams within a demonstration, by the formula of RFC 9777, section 9.4.
var sourceQuerier = querierTimers{
	queryInterval:    10 * time.Second,
	responseInterval: time.Second,
	startupInterval:  time.Second,
	membership:       21 * time.Second,
}

func (t *topology) buildCore() error { return t.addBridge("core", links.BridgeOptions{}) }

// buildDevice connects a device to the three networks and gives it its addresses.
func (t *topology) buildDevice(d string) error {
	if err := t.prepareRouter(d); err != nil {
		return err
	}
	n := d[0]
	cables := []struct {
		near, far end
		network   string
	}{
		{end{d, coreLink, n, 1}, end{"core", d, 6, n}, "c"},
		{end{d, upstreamLink, n, 2}, end{"src", d, 5, n}, "5"},
		{end{d, t.legCable(), n, 3}, end{"ce", legPort(d), 3, n}, "10"},
	}
	for _, c := range cables {
		if err := t.cable(c.near, c.far); err != nil {
			return err
		}
		if c.far.part == "ce" && t.lacp {
			// The Eth-Trunk is the daemon's to make, with its address.
			if err := t.inside("ce", func(h *links.Handle) error { return h.Enslave(lagLink, c.far.link) }); err != nil {
				return err
			}
			continue
		}
		// Isolated ports do not send to each other: a frame that came in on one
		// leg of a LAG never leaves on the other.
		if err := t.plug(c.far.part, links.PortOptions{Isolated: c.far.part == "ce"}, c.far.link); err != nil {
			return err
		}
		addr := deviceAddr(c.network, d)
		if err := t.inside(d, func(h *links.Handle) error { return h.AddAddress(c.near.link, addr) }); err != nil {
			return err
		}
	}
	return nil
}

// legPort is the switch's port of the leg to a device.
func legPort(device string) string { return "leg-" + device }

func (t *topology) prepareRouter(d string) error {
	ns := t.spaces[d]
	if err := ns.EnableForwarding(); err != nil {
		return err
	}
	// An address of the operator's survives a link that goes down.
	return ns.SetSysctl("ipv6/conf/default/keep_addr_on_down", "1")
}

// checkIndices makes sure that no cable has the same index at both ends.
func (t *topology) checkIndices() error {
	for _, d := range devices {
		for near, far := range map[string]struct{ part, link string }{
			coreLink: {"core", d}, upstreamLink: {"src", d}, t.legCable(): {"ce", legPort(d)},
		} {
			i, err := t.linkIndex(d, near)
			if err != nil {
				return err
			}
			j, err := t.linkIndex(far.part, far.link)
			if err != nil {
				return err
			}
			if i == j {
				return fmt.Errorf("%s of %s and its other end both have index %d", near, t.ns(d), i)
			}
		}
	}
	return nil
}

func (t *topology) linkIndex(part, name string) (index int, err error) {
	err = t.inside(part, func(h *links.Handle) error {
		l, err := h.Link(name)
		index = l.Index
		return err
	})
	return index, err
}

// setLink enables or disables a link of a part.
func (t *topology) setLink(part, link string, up bool) error {
	return t.inside(part, func(h *links.Handle) error { return h.SetUp(link, up) })
}

// remove takes everything down. The links go with their namespaces.
func (t *topology) remove() error {
	var errs []error
	for part, ns := range t.spaces {
		errs = append(errs, ns.Close(), netns.Delete(t.ns(part)))
	}
	clear(t.spaces)
	return errors.Join(errs...)
}
