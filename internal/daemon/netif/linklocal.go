package netif

import (
	"crypto/sha256"
	"errors"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"tandem/internal/event"
	"tandem/internal/linux/links"
	"tandem/internal/proof"
)

// MLD is sent from a link-local address (RFC 9777 section 5.1.14). If the kernel has no
// usable one on a multicast interface, the device adds one of its own: because the sysctl
// addr_gen_mode is none, because another program has removed the address, or because
// another host has the same one. `undo ipv6 address auto link-local` forbids that.

// ownLinkLocal returns the link-local address that the device adds to an interface. It is
// the same after a restart, so the device recognises an address that it added before. It
// differs from the peer's.
func ownLinkLocal(own [6]byte, netdev string) netip.Prefix {
	sum := sha256.Sum256(append(own[:], netdev...))
	a := [16]byte{0xfe, 0x80}
	copy(a[8:], sum[:8])
	return netip.PrefixFrom(netip.AddrFrom16(a), 64)
}

// lack returns what keeps an enabled link from being a multicast interface.
func lack(l links.Link) proof.Lack {
	if !l.AdminUp {
		return proof.LacksNothing
	}
	return proof.Able{MTU: l.MTU, NoIPv6: l.NoIPv6, LinkLocal: l.LinkLocal.IsValid(), Tentative: l.Tentative, Duplicate: l.Duplicate}.Lack()
}

// linkLocals adds and removes the device's own link-local addresses.
type linkLocals struct {
	netlink *links.Handle
	known   *Links
	plan    *plan
	state   *State
	own     [6]byte // the device's own LACP system identifier, from which the addresses derive
	emit    func(event.Event)
}

// mended returns a changed link after it has got an own link-local address, if it needs
// one. So a lack that is over at once is not reported.
func (r linkLocals) mended(l links.Link) links.Link {
	if !l.Up || !lack(l).Mendable() || !r.plan.addsLinkLocal(l.Name) {
		return l
	}
	now, err := r.netlink.Link(l.Name) // the notice may be old, and the kernel may add its own address late
	switch {
	case err != nil || now.Index != l.Index:
		return l
	case !now.Up || !lack(now).Mendable():
		return now
	}
	address := ownLinkLocal(r.own, l.Name)
	if err := r.netlink.AddAddress(l.Name, address); err != nil {
		r.emit(event.InterfaceNotConfigured.With(err))
		return l
	}
	r.state.on(l.Name).LinkLocal = true
	r.emit(event.LinkLocalAdded.With(l.Name, address.Addr(), lack(now)))
	if now, err = r.netlink.Link(l.Name); err != nil {
		return l
	}
	return now
}

// reconcile adds the own link-local addresses that are missing, and removes those that
// are not needed any more: because there is another link-local address, or because the
// configuration does not permit it. It returns the links that it has changed.
func (r linkLocals) reconcile() (changed []links.Link) {
	for _, i := range r.plan.interfaces {
		if !i.addsLinkLocal() {
			continue
		}
		before := r.known.Get(i.netdev)
		link := r.mended(before)
		if !link.Equal(before) {
			changed = append(changed, link)
		}
		ours := ownLinkLocal(r.own, i.netdev)
		if !slices.Contains(link.Addresses, ours) {
			continue
		}
		r.state.on(i.netdev).LinkLocal = true // a daemon that has died may have added it
		if slices.ContainsFunc(link.Addresses, func(p netip.Prefix) bool { return p != ours && p.Addr().Is6() && p.Addr().IsLinkLocalUnicast() }) {
			r.remove(i.netdev)
		}
	}
	for netdev := range r.state.Interfaces {
		if !r.plan.addsLinkLocal(netdev) {
			r.remove(netdev)
		}
	}
	return changed
}

// remove removes the own link-local address of an interface.
func (r linkLocals) remove(netdev string) {
	done := r.state.on(netdev)
	if !done.LinkLocal {
		return
	}
	done.LinkLocal = false
	address := ownLinkLocal(r.own, netdev)
	err := r.netlink.DeleteAddress(netdev, address)
	if err == nil {
		r.emit(event.LinkLocalRemoved.With(netdev, address.Addr()))
	} else if !errors.Is(err, unix.EADDRNOTAVAIL) && !errors.Is(err, links.ErrNotFound) {
		r.emit(event.InterfaceNotConfigured.With(err))
	}
}

// removeAll removes all own link-local addresses.
func (r linkLocals) removeAll() {
	for netdev := range r.state.Interfaces {
		r.remove(netdev)
	}
}
