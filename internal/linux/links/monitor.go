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

// Monitor follows the interfaces of a namespace. What it reports is always
// complete: when the kernel had to drop messages, it lists everything anew and
// reports the difference.
type Monitor struct {
	sub    *netlink.Subscription
	handle *Handle // asks
	seen   map[int]*entry
	primed bool
	closed atomic.Bool
	resync atomic.Uint64
}

// entry is what is known and was reported of an interface.
type entry struct {
	link  Link
	addrs map[netip.Prefix]condition
}

// monitorBuffer holds the notices of some thousand changes, 1 MiB.
const monitorBuffer = 1 << 20

// Watch starts to follow the namespace of the calling thread.
func Watch() (*Monitor, error) {
	// Subscribe before the first list, so that nothing falls in between.
	// A smaller buffer costs a new list now and then, nothing else.
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

// WatchIn starts to watch where a function runs another, as in a namespace.
func WatchIn(inside func(func() error) error) (m *Monitor, err error) {
	err = inside(func() (err error) { m, err = Watch(); return err })
	return m, err
}

// Close ends the monitor and a Read that is waiting.
func (m *Monitor) Close() error {
	m.closed.Store(true)
	return errors.Join(m.sub.Close(), m.handle.Close())
}

// Read returns the interfaces that changed, in the order of the changes. The
// first call returns all that there are, at once; later calls wait. An
// interface that is deleted, leaves the namespace or changes its name is
// reported with Exists false under the name it had.
//
// Read returns net.ErrClosed after Close; after another error it may be called again and misses
// nothing. It is for one goroutine.
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

// read returns the difference to a new list where one is needed, else what the kernel
// tells next, which may be no change.
func (m *Monitor) read() (changed []Link, err error) {
	if !m.primed {
		// What is still queued is older than the list to come and would overwrite it.
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

// relist replaces what is known by a new list and returns the difference,
// interfaces that are gone first.
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

// fold takes one notice in. One that cannot be decoded is of no link that we
// could name, so it is passed over.
func (m *Monitor) fold(msg netlink.Message) []Link {
	switch msg.Type {
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		l, family, err := parseLink(msg.Data)
		// A bridge tells of its ports in its own family; there, DELLINK means
		// that an interface is no port any more.
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

// update takes over how an interface looks now and returns what to report.
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
