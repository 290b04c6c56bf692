package lab

import (
	"fmt"
	"net/netip"
	"time"

	"tandem/internal/linux/links"
)

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

// addLAG gives the switch a bond for the legs, which hashes packets of hosts by addresses and
// ports.
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

// aggregated returns nil if the switch's bond has the legs to both devices in its aggregate, or
// if there is no bond.
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

// buildSource builds the source and the bridge in front of it. The bridge sends a group only to
// the ports that have reported it by MLD.
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

// sourceQuerier has short timers, so that a device that stops reporting loses its streams
// within a demonstration (RFC 9777, section 9.4).
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
			// The daemon makes the Eth-Trunk and its address.
			if err := t.inside("ce", func(h *links.Handle) error { return h.Enslave(lagLink, c.far.link) }); err != nil {
				return err
			}
			continue
		}
		// Isolated ports do not send to each other, so a frame from one leg of the LAG never
		// goes out on the other.
		if err := t.plug(c.far.part, links.PortOptions{Isolated: c.far.part == "ce" && !t.plain}, c.far.link); err != nil {
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
	// An address that the operator has set remains when a link goes down.
	return ns.SetSysctl("ipv6/conf/default/keep_addr_on_down", "1")
}
