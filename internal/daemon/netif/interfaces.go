package netif

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/links"
)

// interfaces sets the administrative state and the addresses of the configured
// interfaces. It leaves out the legs and their ports, which the device steers.
type interfaces struct {
	netlink *links.Handle
	known   *Links
	plan    *plan
	state   *State
}

func (r interfaces) reconcile() error {
	var errs []error
	for _, i := range r.plan.interfaces {
		errs = append(errs, r.admin(i))
	}
	return errors.Join(append(errs, r.addresses())...)
}

func (r interfaces) admin(i interfacePlan) error {
	link := r.known.Get(i.netdev)
	if !link.Exists || r.plan.isLeg(i.netdev) {
		return nil
	}
	done := r.state.on(i.netdev)
	if r.onLeg(i) && !i.Shutdown && !done.Lowered {
		return nil
	}
	switch {
	case i.Shutdown:
		done.Lowered = true
		if link.AdminUp { // another program may have set it up in the meantime
			return r.netlink.SetUp(i.netdev, false)
		}
	case done.Lowered || done.Raised != link.Index:
		done.Lowered, done.Raised = false, link.Index
		if !link.AdminUp {
			return r.raise(i)
		}
	}
	return nil
}

// onLeg reports whether an interface is a port of a leg.
func (r interfaces) onLeg(i interfacePlan) bool {
	return i.Trunk != "" && r.plan.isLeg(i.Trunk.Netdev())
}

// raise sets an interface up. It leaves out sub-interfaces and ports of legs: a
// sub-interface comes up with its trunk and cannot come up before, a port comes up with
// its leg.
func (r interfaces) raise(i interfacePlan) error {
	if r.onLeg(i) && !r.state.trunk(i.Trunk.Netdev()).Asked.Up {
		return nil
	}
	err := r.netlink.SetUp(i.netdev, true)
	if _, sub, _ := i.Name.OnEthTrunk(); sub != 0 && errors.Is(err, unix.ENETDOWN) {
		return nil
	}
	return err
}

// addresses adds the configured addresses that are missing, and removes those that the
// daemon has added and that are no longer configured.
func (r interfaces) addresses() error {
	var errs []error
	configured := make(map[string][]netip.Prefix)
	for _, i := range r.plan.interfaces {
		configured[i.netdev] = append(configured[i.netdev], i.Addresses...)
		errs = append(errs, r.add(i)...)
	}
	for netdev, done := range r.state.Interfaces {
		for _, address := range slices.Clone(done.Added) {
			if !slices.Contains(configured[netdev], address) {
				errs = append(errs, r.remove(netdev, done, address))
			}
		}
	}
	return errors.Join(errs...)
}

func (r interfaces) add(i interfacePlan) (errs []error) {
	link := r.known.Get(i.netdev)
	if !link.AdminUp || !i.IPv6 { // if the link is down, the kernel would not make the route of the address
		return nil
	}
	for _, address := range i.Addresses {
		if slices.Contains(link.Addresses, address) {
			continue
		}
		if err := r.netlink.AddAddress(i.netdev, address); err != nil {
			errs = append(errs, fmt.Errorf("interface %s: address %s: %w", i.Name, address, err))
		} else if done := r.state.on(i.netdev); !slices.Contains(done.Added, address) {
			done.Added = append(done.Added, address)
		}
	}
	return errs
}

func (r interfaces) remove(netdev string, done *Interface, address netip.Prefix) error {
	done.Added = slices.DeleteFunc(done.Added, func(a netip.Prefix) bool { return a == address })
	err := r.netlink.DeleteAddress(netdev, address)
	if err == nil || errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, links.ErrNotFound) {
		return nil
	}
	return fmt.Errorf("%s: address %s: %w", netdev, address, err)
}
