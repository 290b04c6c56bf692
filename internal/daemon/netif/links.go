package netif

import (
	"iter"
	"maps"
	"net/netip"
	"slices"
	"sync/atomic"

	"tandem/internal/config"
	"tandem/internal/linux/links"
)

// Links are the network interfaces of the namespace, as the kernel last reported them.
// The zero value has none. Any goroutine may call Name; only the goroutine that has the
// turn may call the other methods.
type Links struct {
	byName map[string]links.Link
	names  atomic.Pointer[map[int]string] // by index
}

// Update stores links that were added, changed or removed.
func (l *Links) Update(changed []links.Link) {
	if l.byName == nil {
		l.byName = make(map[string]links.Link)
	}
	for _, link := range changed {
		if link.Exists {
			l.byName[link.Name] = link
		} else {
			delete(l.byName, link.Name)
		}
	}
	names := make(map[int]string, len(l.byName))
	for name, link := range l.byName {
		names[link.Index] = name
	}
	l.names.Store(&names)
}

// Get returns a link by its Linux name, the zero Link when there is none.
func (l *Links) Get(netdev string) links.Link { return l.byName[netdev] }

// Name returns the Linux name of an interface index, empty when there is none.
func (l *Links) Name(index int) string {
	if names := l.names.Load(); names != nil {
		return (*names)[index]
	}
	return ""
}

// All yields the links, sorted by name.
func (l *Links) All() iter.Seq[links.Link] {
	return func(yield func(links.Link) bool) {
		for _, name := range slices.Sorted(maps.Keys(l.byName)) {
			if !yield(l.byName[name]) {
				return
			}
		}
	}
}

// Addresses returns the addresses of a configured interface that programs can use:
// duplicate address detection has ended and has found no duplicate.
func (l *Links) Addresses(name config.InterfaceName) []netip.Prefix {
	return l.Get(l.Netdev(name)).Addresses
}

// Netdev returns the Linux name of an interface of the configuration. A name with a slash
// is an alias (ifalias). If no link has this alias, Netdev returns the name itself, which
// no link has either.
func (l *Links) Netdev(name config.InterfaceName) string {
	if name.HasSlash() {
		for netdev, link := range l.byName {
			if link.Alias == string(name) {
				return netdev
			}
		}
	}
	return name.Netdev()
}

// VRF returns the interface index of a VPN instance's VRF, 0 while there is none.
func (l *Links) VRF(vpn string) int {
	if link := l.byName[vpn]; link.VRF != 0 {
		return link.Index
	}
	return 0
}

// Carries reports whether a link can pass packets. A bond can as long as one of its ports
// can. The kernel's own state of a bond may be late: with LACP it stays up until the
// state machine runs again, up to 0.1 s after the last port has gone down.
func (l *Links) Carries(link links.Link) bool {
	if link.Bond == nil || !link.Up {
		return link.Up
	}
	for _, port := range l.byName {
		if port.Master == link.Index && port.Up {
			return true
		}
	}
	return false
}

func speaksLACP(l links.Link) bool { return l.Bond != nil && l.Bond.Mode == links.BondLACP }
