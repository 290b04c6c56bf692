package mroute

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"
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
	closed atomic.Bool
	sock   *os.File
	raw    interface {
		Read(f func(fd uintptr) bool) error
	}
	table uint32
	buf   []byte
	entry Entry
}

// watchBuffer holds some thousand notices, in bytes.
const watchBuffer = 4 << 20

// Watch begins to watch a table of the namespace, numbered as for [Open].
func Watch(table uint32) (*Watcher, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err == nil {
		if err = subscribe(fd); err != nil {
			unix.Close(fd)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("watch the multicast forwarding table: %w", err)
	}
	w := &Watcher{sock: os.NewFile(uintptr(fd), "ip6mr watch"), table: told(table), buf: make([]byte, dumpBuffer)}
	if w.raw, err = w.sock.SyscallConn(); err != nil {
		w.sock.Close()
		return nil, fmt.Errorf("watch the multicast forwarding table: %w", err)
	}
	return w, nil
}

func subscribe(fd int) error {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, watchBuffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, watchBuffer)
	}
	filter := foreignOnly()
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	return errors.Join(
		unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program),
		unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}),
		unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, unix.RTNLGRP_IPV6_MROUTE),
	)
}

// foreignOnly is a socket filter that passes removals and what others than the
// owner have made or changed: the kernel marks that as static.
func foreignOnly() []unix.SockFilter {
	// The filter reads in network order what the kernel has written in the machine's.
	typ := func(t uint16) uint32 {
		return uint32(binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, t)))
	}
	const typeAt, protocolAt = 4, unix.SizeofNlMsghdr + 5
	return []unix.SockFilter{
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
func (w *Watcher) Close() error {
	w.closed.Store(true)
	return w.sock.Close()
}

// Read waits for changes and appends to list what is there, in the order of the
// changes, up to the room that list has. lost says that the kernel had to leave
// some out. It returns net.ErrClosed after Close.
func (w *Watcher) Read(list []Change) (changed []Change, lost bool, err error) {
	var failed error
	err = w.raw.Read(func(fd uintptr) bool {
		for len(list) < cap(list) {
			n, _, err := unix.Recvfrom(int(fd), w.buf, 0)
			switch {
			case err == nil:
				list = w.fold(list, w.buf[:n])
			case errors.Is(err, unix.ENOBUFS):
				lost = true
			case errors.Is(err, unix.EAGAIN):
				return lost || len(list) > 0
			case !errors.Is(err, unix.EINTR):
				failed = err
				return true
			}
		}
		return true
	})
	if w.closed.Load() {
		return list, lost, net.ErrClosed
	}
	if err = errors.Join(err, failed); err != nil {
		return list, lost, fmt.Errorf("watch the multicast forwarding table: %w", err)
	}
	return list, lost, nil
}

// fold adds the entry that a notice is about. One of them is in each datagram.
func (w *Watcher) fold(list []Change, b []byte) []Change {
	m, _, ok := nextMessage(b)
	if ok && (m.typ == unix.RTM_NEWROUTE || m.typ == unix.RTM_DELROUTE) && parseEntry(m.body, w.table, &w.entry) {
		list = append(list, Change{w.entry.Source, w.entry.Group, m.typ == unix.RTM_DELROUTE})
	}
	return list
}
