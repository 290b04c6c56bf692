package links

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync/atomic"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Monitor follows the interfaces of a namespace. What it reports is always
// complete: when the kernel had to drop messages, it lists everything anew and
// reports the difference.
type Monitor struct {
	sub    *netlink.Conn // subscribed, only read from
	handle *Handle       // asks
	seen   map[int]*entry
	primed bool
	closed atomic.Bool
	resync atomic.Uint64
}

// entry is what is known and was reported of an interface.
type entry struct {
	link  Link
	addrs map[netip.Prefix]bool // whether the address is usable
}

// monitorBuffer holds the notices of some thousand changes, 1 MiB.
const monitorBuffer = 1 << 20

// Watch starts to follow the namespace of the process.
func Watch() (*Monitor, error) { return watch(&netlink.Config{}) }

// WatchIn starts to follow the namespace of a descriptor.
func WatchIn(netnsFD int) (*Monitor, error) { return watch(&netlink.Config{NetNS: netnsFD}) }

func watch(cfg *netlink.Config) (*Monitor, error) {
	// Subscribe before the first list, so that nothing falls in between.
	sub := *cfg
	sub.Groups = 1<<(unix.RTNLGRP_LINK-1) | 1<<(unix.RTNLGRP_IPV4_IFADDR-1) | 1<<(unix.RTNLGRP_IPV6_IFADDR-1)
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, &sub)
	if err != nil {
		return nil, fmt.Errorf("watch interfaces: %w", err)
	}
	// A smaller buffer costs a new list now and then, nothing else.
	_ = conn.SetReadBuffer(monitorBuffer)
	handle, err := dial(cfg)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &Monitor{sub: conn, handle: handle, seen: make(map[int]*entry)}, nil
}

// Close ends the monitor and a Read that is waiting.
func (m *Monitor) Close() error {
	m.closed.Store(true)
	return errors.Join(m.sub.Close(), m.handle.Close())
}

// Resyncs counts how often the kernel dropped messages and all was listed anew.
func (m *Monitor) Resyncs() uint64 { return m.resync.Load() }

// Read returns the interfaces that changed, in the order of the changes. The
// first call returns all that there are, at once; later calls wait. An
// interface that is deleted, leaves the namespace or changes its name is
// reported with Exists false under the name it had.
//
// Read returns net.ErrClosed after Close; after another error it may be called again and misses
// nothing. It is for one goroutine.
func (m *Monitor) Read() ([]Link, error) {
	if !m.primed {
		changed, err := m.relist()
		if err != nil {
			return nil, m.readError(err)
		}
		m.primed = true
		return changed, nil
	}
	for {
		msgs, err := m.sub.Receive()
		var changed []Link
		switch {
		case errors.Is(err, unix.ENOBUFS):
			m.resync.Add(1)
			// What is still queued is older than the list to come and would
			// overwrite it, and the kernel drops messages until the queue is empty.
			m.primed = false
			if err = m.drain(); err == nil {
				changed, err = m.relist()
				m.primed = err == nil
			}
		case err == nil:
			for _, msg := range msgs {
				changed = append(changed, m.fold(msg)...)
			}
		}
		if err != nil {
			return nil, m.readError(err)
		}
		if len(changed) > 0 {
			return changed, nil
		}
	}
}

func (m *Monitor) readError(err error) error {
	if m.closed.Load() || errors.Is(err, os.ErrClosed) {
		return net.ErrClosed
	}
	return fmt.Errorf("watch interfaces: %w", err)
}

// drain throws away what waits in the subscription.
func (m *Monitor) drain() error {
	raw, err := m.sub.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Read(func(fd uintptr) bool {
		var b [1]byte // the rest of each message is cut off by the kernel
		for {
			switch _, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_DONTWAIT); err {
			case nil, unix.ENOBUFS, unix.EINTR:
			case unix.EAGAIN:
				return true
			default:
				failed = err
				return true
			}
		}
	})
	return errors.Join(err, failed)
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
		list := make(map[netip.Prefix]bool)
		for _, a := range addrs {
			if a.index == l.Index {
				list[a.prefix] = a.usable
			}
		}
		changed = append(changed, m.update(l, list)...)
	}
	return changed, nil
}

// fold takes one notice in. One that cannot be decoded is of no link that we
// could name, so it is passed over.
func (m *Monitor) fold(msg netlink.Message) []Link {
	switch msg.Header.Type {
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		l, family, err := parseLink(msg.Data)
		// A bridge tells of its ports in its own family; there, DELLINK means
		// that an interface is no port any more.
		if err != nil || family != unix.AF_UNSPEC {
			return nil
		}
		if msg.Header.Type == unix.RTM_DELLINK {
			return m.remove(l.Index)
		}
		var addrs map[netip.Prefix]bool
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
		if msg.Header.Type == unix.RTM_DELADDR {
			delete(addrs, a.prefix)
		} else {
			addrs[a.prefix] = a.usable
		}
		return m.update(e.link, addrs)
	}
	return nil
}

// update takes over how an interface looks now and returns what to report.
func (m *Monitor) update(l Link, addrs map[netip.Prefix]bool) (changed []Link) {
	if addrs == nil {
		addrs = make(map[netip.Prefix]bool)
	}
	var list []netip.Prefix
	for p, ok := range addrs {
		if ok {
			list = append(list, p)
		}
	}
	l.setAddresses(list)
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
