package mroute

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
)

// Change says that an entry was removed, or made or changed.
type Change struct {
	Source, Group netip.Addr
	Removed       bool
}

// Watcher tells which entries of a table somebody else than its owner may have
// changed: all that were removed, whoever did it, and those that somebody else
// made or changed. What the owner sets it does not tell: the kernel leaves that
// out before it costs anything. That an interface left the table is not told.
type Watcher struct {
	sub   *netlink.Subscription
	table uint32
	entry Entry
}

// watchBuffer holds some thousand notices, in bytes.
const watchBuffer = 4 << 20

// Watch begins to watch a table of the namespace, numbered as for [Open].
func Watch(table uint32) (*Watcher, error) {
	sub, err := netlink.Subscribe(unix.NETLINK_ROUTE, watchBuffer, foreignOnly(), unix.RTNLGRP_IPV6_MROUTE)
	if err != nil {
		return nil, fmt.Errorf("watch the multicast forwarding table: %w", err)
	}
	return &Watcher{sub: sub, table: told(table)}, nil
}

// foreignOnly is a socket filter that passes removals and what others than the
// owner have made or changed: the kernel marks that as static.
func foreignOnly() netlink.Filter {
	// The filter reads in network order what the kernel has written in the machine's.
	typ := func(t uint16) uint32 {
		return uint32(binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, t)))
	}
	const typeAt, protocolAt = 4, unix.SizeofNlMsghdr + 5
	return netlink.Filter{
		{Code: unix.BPF_LD | unix.BPF_H | unix.BPF_ABS, K: typeAt},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: 3, K: typ(unix.RTM_DELROUTE)},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 3, K: typ(unix.RTM_NEWROUTE)},
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: protocolAt},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: unix.RTPROT_STATIC},
		{Code: unix.BPF_RET | unix.BPF_K, K: ^uint32(0)},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
	}
}

// Close ends the watcher and a Read that is waiting.
func (w *Watcher) Close() error { return w.sub.Close() }

// Read waits for changes and appends to list what is there, in the order of the
// changes, up to the room that list has. lost says that the kernel had to leave
// some out. It returns net.ErrClosed after Close.
func (w *Watcher) Read(list []Change) (changed []Change, lost bool, err error) {
	for len(list) == 0 && !lost && err == nil {
		lost, err = w.sub.Receive(func(b []byte) bool {
			list = w.fold(list, b)
			return len(list) < cap(list)
		})
	}
	if err != nil && !errors.Is(err, net.ErrClosed) {
		err = fmt.Errorf("watch the multicast forwarding table: %w", err)
	}
	return list, lost, err
}

// fold adds the entry that a notice is about. One of them is in each datagram.
func (w *Watcher) fold(list []Change, b []byte) []Change {
	m, _, ok := netlink.NextMessage(b)
	if ok && (m.Type == unix.RTM_NEWROUTE || m.Type == unix.RTM_DELROUTE) && parseEntry(m.Data, w.table, &w.entry) {
		list = append(list, Change{w.entry.Source, w.entry.Group, m.Type == unix.RTM_DELROUTE})
	}
	return list
}
