package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mfc reads the forwarding cache of a namespace without owning it.
type mfc struct {
	fd  int
	req sgRequest
}

// sgRequest is struct sioc_sg_req6 of linux/mroute6.h.
type sgRequest struct {
	source, group           unix.RawSockaddrInet6
	packets, bytes, wrongIf uint
}

const siocGetSGCount = 0x89e0 + 1

func (n *network) mfc(part string) (*mfc, error) {
	m := &mfc{}
	err := n.spaces[part].Do(func() (err error) {
		m.fd, err = unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMPV6)
		if err != nil {
			return err
		}
		// The socket serves for requests and must receive no messages.
		var none unix.ICMPv6Filter
		for i := range none.Data {
			none.Data[i] = ^uint32(0)
		}
		return unix.SetsockoptICMPv6Filter(m.fd, unix.IPPROTO_ICMPV6, unix.ICMPV6_FILTER, &none)
	})
	return m, err
}

func (m *mfc) close() { unix.Close(m.fd) }

// has reports whether there is an entry for a group. It takes about a microsecond.
func (m *mfc) has(group int) bool {
	m.req.source = unix.RawSockaddrInet6{Family: unix.AF_INET6, Addr: sourceAddr.As16()}
	m.req.group = unix.RawSockaddrInet6{Family: unix.AF_INET6, Addr: groupAddr(group).As16()}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(m.fd), siocGetSGCount, uintptr(unsafe.Pointer(&m.req)))
	return errno == 0
}

// all waits until the entries of groups first..first+n-1 exist, and returns when that was.
// It checks the last one until that exists, and then the others.
func (m *mfc) all(r *run, first, n int, limit time.Duration) (time.Time, error) {
	deadline := time.Now().Add(limit)
	for next := n - 1; ; {
		for !m.has(first + next) {
			if r.ctx.Err() != nil {
				return time.Time{}, r.ctx.Err()
			}
			if time.Now().After(deadline) {
				return time.Time{}, fmt.Errorf("the entry of %v is missing after %v", groupAddr(first+next), limit)
			}
			time.Sleep(time.Millisecond)
		}
		at := time.Now()
		if next = m.missing(first, n); next < 0 {
			return at, nil
		}
	}
}

// missing returns a number in 0..n-1 whose entry does not exist, -1 if all exist.
func (m *mfc) missing(first, n int) int {
	for i := range n {
		if !m.has(first + i) {
			return i
		}
	}
	return -1
}

// watch records when the kernel announces that entries are made or removed. The kernel
// announces it within the system call that makes or removes them.
type watch struct {
	fd    int
	kind  uint16
	since time.Time
	// at is when the entry of each group was made or removed, as time since the watch
	// began; 0 if it was not yet.
	at   []atomic.Int64
	done chan error
	stop func() error
}

// The kinds of notices that a watch can record.
const (
	entryMade    = unix.RTM_NEWROUTE
	entryRemoved = unix.RTM_DELROUTE
)

// watch follows the forwarding cache of a namespace for groups with a number below a limit,
// but only one in oneIn of them, which is a power of two. The kernel filters out the
// others.
func (n *network) watch(part string, kind uint16, groups, oneIn int) (*watch, error) {
	w := &watch{kind: kind, at: make([]atomic.Int64, groups), done: make(chan error, 1), since: time.Now()}
	err := n.spaces[part].Do(func() (err error) {
		if w.fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE); err != nil {
			return err
		}
		filter := groupsOneIn(oneIn)
		program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
		timeout := unix.NsecToTimeval(int64(100 * time.Millisecond))
		return errors.Join(
			unix.SetsockoptInt(w.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 256<<20),
			unix.SetsockoptSockFprog(w.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program),
			unix.SetsockoptTimeval(w.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout),
			unix.Bind(w.fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}),
			unix.SetsockoptInt(w.fd, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, unix.RTNLGRP_IPV6_MROUTE))
	})
	if err != nil {
		return nil, fmt.Errorf("watch the forwarding cache: %w", err)
	}
	stop := make(chan struct{})
	go func() { w.done <- urgent(anyProcessor, func() error { return w.follow(stop) }) }()
	w.stop = func() error { close(stop); err := <-w.done; unix.Close(w.fd); return err }
	return w, nil
}

// groupsOneIn is a socket filter for groups whose number is a multiple of n. In the
// kernel's message, an entry begins with its table, source and group.
func groupsOneIn(n int) []unix.SockFilter {
	const endOfGroup = unix.SizeofNlMsghdr + unix.SizeofRtMsg + 8 + 2*(unix.SizeofRtAttr+16)
	return []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: endOfGroup - 1},
		{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: uint32(n - 1)},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: ^uint32(0)},
		{Code: unix.BPF_RET | unix.BPF_K},
	}
}

func (w *watch) follow(stop <-chan struct{}) error {
	b := make([]byte, 64<<10)
	for {
		n, _, err := unix.Recvfrom(w.fd, b, 0)
		now := int64(time.Since(w.since))
		switch {
		case errors.Is(err, unix.EAGAIN):
			select {
			case <-stop:
				return nil
			default:
			}
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return err
		default:
			w.note(b[:n], now)
		}
	}
}

// note records the groups of a message. Only the first time of each counts.
func (w *watch) note(b []byte, now int64) {
	for len(b) >= unix.SizeofNlMsghdr {
		size := int(binary.NativeEndian.Uint32(b))
		if size < unix.SizeofNlMsghdr || size > len(b) {
			return
		}
		if binary.NativeEndian.Uint16(b[4:]) == w.kind {
			if g, ok := destination(b[unix.SizeofNlMsghdr+unix.SizeofRtMsg : size]); ok && g < len(w.at) {
				w.at[g].CompareAndSwap(0, now)
			}
		}
		b = b[min(len(b), (size+3)&^3):]
	}
}

// destination finds the group in the attributes of a route.
func destination(b []byte) (group int, ok bool) {
	for len(b) >= unix.SizeofRtAttr {
		size, typ := int(binary.NativeEndian.Uint16(b)), binary.NativeEndian.Uint16(b[2:])
		if size < unix.SizeofRtAttr || size > len(b) {
			return 0, false
		}
		if typ == unix.RTA_DST && size == unix.SizeofRtAttr+16 {
			a := b[unix.SizeofRtAttr:size]
			return groupNumber(a), groupAddr(groupNumber(a)) == netip.AddrFrom16([16]byte(a))
		}
		b = b[min(len(b), (size+3)&^3):]
	}
	return 0, false
}

// when returns when a group's entry was made or removed.
func (w *watch) when(group int) (time.Time, bool) {
	at := w.at[group].Load()
	return w.since.Add(time.Duration(at)), at != 0
}

// wait waits until when has a time, and returns it.
func (w *watch) wait(group int) (time.Time, error) {
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Microsecond) {
		if at, ok := w.when(group); ok {
			return at, nil
		}
		if time.Now().After(deadline) {
			return time.Time{}, fmt.Errorf("the kernel has told nothing of %v", groupAddr(group))
		}
	}
}
