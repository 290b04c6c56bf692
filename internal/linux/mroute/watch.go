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

// Change says that an entry was made, changed or removed.
type Change struct {
	Source, Group netip.Addr
	Removed       bool
}

// Watcher reports which entries of a table other programs than its owner may have
// changed: all removals, by any program, and all entries that other programs have made or
// changed. It does not report what the owner sets, because the kernel filters that out.
// It does not report that an interface has left the table.
type Watcher struct {
	sub   *netlink.Subscription
	table uint32
	entry Entry
}

// watchBuffer holds some thousand notices, in bytes.
const watchBuffer = 4 << 20

// Watch starts to watch a table of the namespace, numbered as for [Open].
func Watch(table uint32) (*Watcher, error) {
	sub, err := netlink.Subscribe(unix.NETLINK_ROUTE, watchBuffer, foreignOnly(), unix.RTNLGRP_IPV6_MROUTE)
	if err != nil {
		return nil, fmt.Errorf("watch the multicast forwarding table: %w", err)
	}
	return &Watcher{sub: sub, table: told(table)}, nil
}

// foreignOnly is a socket filter. It passes removals, and entries that another program than
// the owner has made or changed. The kernel marks such entries as static.
func foreignOnly() netlink.Filter {
	// The filter reads values in network byte order. The kernel has written them in the
	// byte order of the machine.
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

// Close closes the watcher and ends a waiting Read.
func (w *Watcher) Close() error { return w.sub.Close() }

// Read waits for changes and appends them to list in their order, as many as fit into its
// capacity. lost means that the kernel has dropped some notices. Read returns
// net.ErrClosed after Close.
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

// fold appends the entry of a notice. Each datagram has one notice.
func (w *Watcher) fold(list []Change, b []byte) []Change {
	m, _, ok := netlink.NextMessage(b)
	if ok && (m.Type == unix.RTM_NEWROUTE || m.Type == unix.RTM_DELROUTE) && parseEntry(m.Data, w.table, &w.entry) {
		list = append(list, Change{w.entry.Source, w.entry.Group, m.Type == unix.RTM_DELROUTE})
	}
	return list
}
