package links

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
)

// Monitor follows the interfaces of a namespace. Its reports are always complete: when the
// kernel has dropped messages, it lists everything again and reports the difference.
type Monitor struct {
	sub    *netlink.Subscription
	handle *Handle // for listing all interfaces
	seen   map[int]*entry
	primed bool
	closed atomic.Bool
	resync atomic.Uint64
}

// entry is the known state of an interface, and what was last reported of it.
type entry struct {
	link  Link
	addrs map[netip.Prefix]condition
}

// monitorBuffer holds the notices of some thousand changes, 1 MiB.
const monitorBuffer = 1 << 20

// Watch starts to follow the namespace of the calling thread.
func Watch() (*Monitor, error) {
	// Subscribe before the first list, so that no change is missed between the two. A
	// smaller buffer only means that everything is listed again more often.
	sub, err := netlink.Subscribe(unix.NETLINK_ROUTE, monitorBuffer, nil,
		unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR)
	if err != nil {
		return nil, fmt.Errorf("watch interfaces: %w", err)
	}
	handle, err := Open()
	if err != nil {
		sub.Close()
		return nil, err
	}
	return &Monitor{sub: sub, handle: handle, seen: make(map[int]*entry)}, nil
}

// WatchIn calls Watch inside a function, which may change the namespace of the thread.
func WatchIn(inside func(func() error) error) (m *Monitor, err error) {
	err = inside(func() (err error) { m, err = Watch(); return err })
	return m, err
}

// Close ends the monitor and a Read that is waiting.
func (m *Monitor) Close() error {
	m.closed.Store(true)
	return errors.Join(m.sub.Close(), m.handle.Close())
}

// Read returns the interfaces that have changed, in the order of the changes. The first
// call returns all existing interfaces at once; later calls wait. An interface that is
// deleted, leaves the namespace or changes its name is reported with Exists false under
// its old name.
//
// Read returns net.ErrClosed after Close. After another error it may be called again and
// still reports every change. Only one goroutine may call it.
func (m *Monitor) Read() ([]Link, error) {
	for {
		changed, err := m.read()
		if err != nil {
			return nil, m.readError(err)
		}
		if len(changed) > 0 {
			return changed, nil
		}
	}
}

// read returns the difference to a new list, if one is needed. Otherwise it returns the
// changes in the kernel's next notices, which may be none.
func (m *Monitor) read() (changed []Link, err error) {
	if !m.primed {
		// The notices that are still queued are older than the list that follows. They
		// would overwrite newer states.
		if err := m.sub.Drain(); err != nil {
			return nil, err
		}
		changed, err := m.relist()
		m.primed = err == nil
		return changed, err
	}
	overrun, err := m.sub.Receive(func(b []byte) bool {
		for msg, rest, ok := netlink.NextMessage(b); ok; msg, rest, ok = netlink.NextMessage(rest) {
			changed = append(changed, m.fold(msg)...)
		}
		return len(changed) == 0
	})
	if overrun {
		m.resync.Add(1)
		m.primed = false
	}
	return changed, err
}

func (m *Monitor) readError(err error) error {
	if m.closed.Load() {
		return net.ErrClosed
	}
	return fmt.Errorf("watch interfaces: %w", err)
}

// relist lists everything and returns the difference to what was known, with the interfaces
// that are gone first.
func (m *Monitor) relist() ([]Link, error) {
	links, addrs, err := m.handle.dump()
	if err != nil {
		return nil, err
	}
	now := make(map[int]bool, len(links))
	for _, l := range links {
		now[l.Index] = true
	}
	var changed []Link
	for _, index := range slices.Sorted(maps.Keys(m.seen)) {
		if !now[index] {
			changed = append(changed, m.remove(index)...)
		}
	}
	for _, l := range links {
		changed = append(changed, m.update(l, of(addrs, l.Index))...)
	}
	return changed, nil
}

// fold updates the known state by one notice. It ignores a notice that it cannot decode,
// because it does not know which link it is about.
func (m *Monitor) fold(msg netlink.Message) []Link {
	switch msg.Type {
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		l, family, err := parseLink(msg.Data)
		// A bridge reports its ports in its own family. There, DELLINK means that an
		// interface is no longer a port.
		if err != nil || family != unix.AF_UNSPEC {
			return nil
		}
		if msg.Type == unix.RTM_DELLINK {
			return m.remove(l.Index)
		}
		var addrs map[netip.Prefix]condition
		if e := m.seen[l.Index]; e != nil {
			addrs = e.addrs
		}
		return m.update(l, addrs)
	case unix.RTM_NEWADDR, unix.RTM_DELADDR:
		a, err := parseAddress(msg.Data)
		e := m.seen[a.index]
		if err != nil || e == nil {
			return nil
		}
		addrs := maps.Clone(e.addrs)
		if msg.Type == unix.RTM_DELADDR {
			delete(addrs, a.prefix)
		} else {
			addrs[a.prefix] = a.condition
		}
		return m.update(e.link, addrs)
	}
	return nil
}

// update stores the present state of an interface and returns what to report.
func (m *Monitor) update(l Link, addrs map[netip.Prefix]condition) (changed []Link) {
	if addrs == nil {
		addrs = make(map[netip.Prefix]condition)
	}
	l.setAddresses(addrs)
	old := m.seen[l.Index]
	m.seen[l.Index] = &entry{link: l, addrs: addrs}
	switch {
	case old != nil && old.link.Equal(l):
		return nil
	case old != nil && old.link.Name != l.Name:
		changed = append(changed, gone(old.link))
	}
	return append(changed, l)
}

func (m *Monitor) remove(index int) []Link {
	e := m.seen[index]
	if e == nil {
		return nil
	}
	delete(m.seen, index)
	return []Link{gone(e.link)}
}

func gone(l Link) Link { return Link{Name: l.Name, Alias: l.Alias, Index: l.Index} }
