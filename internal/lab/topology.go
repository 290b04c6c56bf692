package lab

import (
	"errors"
	"fmt"

	"tandem/internal/linux/links"
	"tandem/internal/linux/netns"
)

// topology is the built network: namespaces and links, no processes.
type topology struct {
	plan
	spaces map[string]*netns.Namespace // by part
}

// buildTopology makes the namespaces and the links between them. If it fails, it removes
// what it has made.
func buildTopology(p plan) (*topology, error) {
	t := &topology{plan: p, spaces: make(map[string]*netns.Namespace)}
	err := t.build()
	if err != nil {
		return nil, errors.Join(err, t.remove())
	}
	return t, nil
}

// build makes the namespaces and cables in an order by which the two ends of a cable get
// different interface indices. The kernel takes a veth whose ends have the same index for a
// plain device, and may then report its carrier up to a second late. checkIndices verifies the
// indices.
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
		// Ports of a switch have no addresses, so that the switch itself sends nothing on
		// a cable.
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
	kind, n    byte // of the end's hardware address
}

// cable makes a cable and sets both its ends up.
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

// setLink sets a link of a part up or down.
func (t *topology) setLink(part, link string, up bool) error {
	return t.inside(part, func(h *links.Handle) error { return h.SetUp(link, up) })
}

// remove removes everything. The links disappear with their namespaces.
func (t *topology) remove() error {
	var errs []error
	for part, ns := range t.spaces {
		errs = append(errs, ns.Close(), netns.Delete(t.ns(part)))
	}
	clear(t.spaces)
	return errors.Join(errs...)
}
