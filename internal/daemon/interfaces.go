package daemon

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"tandem/internal/config"
	"tandem/internal/event"
	"tandem/internal/linux/links"
)

// interfaces is what the daemon has done to the interfaces of the
// configuration, so that it can be undone.
type interfaces struct {
	added   map[string]map[netip.Prefix]bool // addresses, by Linux name
	raised  map[int]bool                     // by index: set up once, then left to others
	lowered map[string]bool                  // by `shutdown`, by Linux name
}

func newInterfaces() interfaces {
	return interfaces{
		added:   make(map[string]map[netip.Prefix]bool),
		raised:  make(map[int]bool),
		lowered: make(map[string]bool),
	}
}

// prepareLinks brings links that have just appeared to their configuration, and
// gives those that were set down and up again their addresses back.
func (d *Daemon) prepareLinks(changed []links.Link) {
	appeared := false
	for _, l := range changed {
		if !l.Exists {
			delete(d.added, l.Name)
			delete(d.lowered, l.Name)
			delete(d.raised, l.Index)
		} else if !d.raised[l.Index] {
			appeared = true
		}
	}
	if err := d.reconcileInterfaces(); err != nil {
		d.emit(event.InterfaceNotConfigured.With(err))
	}
	if appeared && d.usesAliases() {
		if err := d.configure(d.model); err != nil {
			d.emit(event.InterfaceNotConfigured.With(err))
		}
	}
}

func (d *Daemon) usesAliases() bool {
	for name := range d.model.Interfaces {
		if name.HasSlash() {
			return true
		}
	}
	for _, s := range d.model.Sessions {
		if s.Interface.HasSlash() || s.TrackInterface.HasSlash() {
			return true
		}
	}
	return false
}

// reconcileInterfaces brings the administrative state and the addresses of the
// configured interfaces about. The legs are steered by the device.
func (d *Daemon) reconcileInterfaces() error {
	var errs []error
	for _, i := range d.model.Interfaces {
		errs = append(errs, d.reconcileAdmin(i))
	}
	errs = append(errs, d.reconcileAddresses())
	return errors.Join(errs...)
}

func (d *Daemon) reconcileAdmin(i *config.Interface) error {
	link := d.links.Get(d.links.Netdev(i.Name))
	if !link.Exists || d.isLeg(i.Name) || i.Trunk != "" && d.isLeg(i.Trunk) && !i.Shutdown && !d.lowered[link.Name] {
		return nil // steered by the device, with its ports
	}
	switch {
	case i.Shutdown:
		d.lowered[link.Name] = true
		if link.AdminUp { // whoever has set it up meanwhile
			return d.setUp(i, link.Name, false)
		}
	case !i.Shutdown && (d.lowered[link.Name] || !d.raised[link.Index]):
		delete(d.lowered, link.Name)
		d.raised[link.Index] = true
		if !link.AdminUp {
			return d.setUp(i, link.Name, true)
		}
	}
	return nil
}

func (d *Daemon) isLeg(name config.InterfaceName) bool {
	return slices.Contains(d.legs(), d.links.Netdev(name))
}

// reconcileAddresses adds the configured addresses that are missing and takes
// away those that this daemon added and that are no longer configured.
func (d *Daemon) reconcileAddresses() error {
	var errs []error
	configured := make(map[string]map[netip.Prefix]bool)
	for _, i := range d.model.Interfaces {
		netdev := d.links.Netdev(i.Name)
		link := d.links.Get(netdev)
		configured[netdev] = make(map[netip.Prefix]bool)
		for _, address := range i.Addresses {
			configured[netdev][address] = true
			// An address given to a link that is down would lack its route.
			if !link.AdminUp || !i.IPv6 || slices.Contains(link.Addresses, address) {
				continue
			}
			if err := d.netlink.AddAddress(netdev, address); err != nil {
				errs = append(errs, fmt.Errorf("interface %s: address %s: %w", i.Name, address, err))
				continue
			}
			if d.added[netdev] == nil {
				d.added[netdev] = make(map[netip.Prefix]bool)
			}
			d.added[netdev][address] = true
		}
	}
	for netdev, addresses := range d.added {
		for address := range addresses {
			if configured[netdev][address] {
				continue
			}
			delete(addresses, address)
			err := d.netlink.DeleteAddress(netdev, address)
			if gone := errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, links.ErrNotFound); err != nil && !gone {
				errs = append(errs, fmt.Errorf("%s: address %s: %w", netdev, address, err))
			}
		}
	}
	return errors.Join(errs...)
}

// legs lists the Linux names of the member Eth-Trunks.
func (d *Daemon) legs() []string {
	var legs []string
	for id := range d.model.ETrunks {
		for _, m := range d.model.Members(id) {
			legs = append(legs, d.links.Netdev(config.EthTrunkName(m.EthTrunk)))
		}
	}
	slices.Sort(legs)
	return slices.Compact(legs)
}
