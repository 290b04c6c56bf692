// Package mroute owns one of the kernel's IPv6 multicast forwarding tables (ip6mr): the
// multicast interfaces (MIFs), the (S,G) entries of the multicast forwarding cache (MFC), and
// the upcalls for packets that match no entry.
//
// A table has one owner at a time. The kernel empties it when the owner's socket is closed, so
// a process that dies leaves nothing behind. Other programs with the capability can still
// change it, and entries that they have changed remain when the owner ends. Open removes those.
// A [Reader] shows the present table, and a [Watcher] reports such changes.
//
// # Streams for any source
//
// The kernel also supports (*,G) entries, which need no upcall. Measured on Linux 6.18 with two
// processors; the streams begin one every 50 us, or all at once:
//
//	                                   (S,G) by upcall     (*,G) beforehand
//	first packet, one stream           0.2-0.4 ms          0.03-0.05 ms
//	first packet, median of 1,000      1.7 ms              0.02 ms
//	the same, all at once              17 ms, at most 32   0.03 ms, at most 2.3
//	first packet, median of 10,000     1.1 ms              0.03 ms
//	the same, all at once              0.23 s, at most 1.1 0.03 ms, at most 19
//	first packets lost                 none                none
//	further packets lost               all but four that come before the answer, none
//	entries for 10,000 sources         10,000, 2 us each   1 a group
//
// (This kernel limits the packets that wait for an answer to four for each entry, but not the
// entries; older kernels let ten wait.) We use upcalls nevertheless. Without them the daemon
// does not learn the sources. Then there would be no counters for each (S,G), the gate could
// not let single streams pass, and every excluded source would need its own entry. An upcall
// costs a fraction of a millisecond once for each stream, and no packet.
package mroute

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/socket"
)

// Why a table could not be used.
var (
	// ErrBusy means that another process owns the table.
	ErrBusy = errors.New("another daemon owns the IPv6 multicast forwarding table")
	// ErrPermission means that the process lacks a capability.
	ErrPermission = errors.New("no permission for IPv6 multicast routing (CAP_NET_ADMIN and CAP_NET_RAW are needed)")
	// ErrUnsupported means that the kernel has no IPv6 multicast routing, or no second table.
	ErrUnsupported = errors.New("the kernel lacks IPv6 multicast routing")
	// ErrTooManyInterfaces means that all MaxInterfaces MIFs are in use.
	ErrTooManyInterfaces = errors.New("no multicast interface (MIF) is left in the table")
	// ErrNoInterface means that a route names an interface that is not in the table.
	ErrNoInterface = errors.New("not a multicast interface of the table")
	// ErrNoRoute means that there is no entry for (S,G).
	ErrNoRoute = errors.New("no such entry in the multicast forwarding table")
)

// upcallBuffer is the requested size of the upcall queue, in bytes.
const upcallBuffer = 4 << 20

// Table is an open forwarding table. Any goroutine may call its methods, but only one at a time
// may call ReadUpcall.
type Table struct {
	sock *os.File // registered with the runtime's poller, for ReadUpcall

	mu   sync.Mutex
	fd   int                // -1 when closed
	mifs [MaxInterfaces]int // interface index of each MIF, 0 when free
	next int
	// discard is the entry of Discard.
	discard Route
	mfc     mf6cctl   // a field, so that Set allocates nothing
	sg      sgRequest // a field for the same reason
	upcall  [sizeofUpcall]byte
}

// Open makes the caller the owner of a table. Table 0 is the main one, which all packets use
// unless rules (ip mrule) select another. The error wraps ErrBusy, ErrPermission or
// ErrUnsupported in these cases.
func Open(table uint32) (*Table, error) {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_ICMPV6)
	if err != nil {
		return nil, openError(err)
	}
	if err := own(fd, table); err != nil {
		unix.Close(fd)
		return nil, err
	}
	// Entries that other programs have made remain when an owner ends. Before Linux 5.1
	// they cannot be flushed.
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, mrt6Flush, flushMFC|flushMIFs)
	return &Table{sock: os.NewFile(uintptr(fd), "ip6mr"), fd: fd}, nil
}

// Adopt takes over the socket and the interfaces that another program's HandOver has returned.
// It changes nothing in the kernel.
func Adopt(fd int, interfaces []int) *Table {
	t := &Table{sock: os.NewFile(uintptr(fd), "ip6mr"), fd: fd}
	copy(t.mifs[:], interfaces)
	return t
}

// HandOver returns the socket, and the interface index of each MIF, 0 for a free one. No
// goroutine may read upcalls after that, see Interrupt.
func (t *Table) HandOver() (socket *os.File, interfaces []int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sock, slices.Clone(t.mifs[:])
}

// Interrupt makes a waiting ReadUpcall, and all later ones, return os.ErrDeadlineExceeded.
// Upcalls remain in the socket.
func (t *Table) Interrupt() { _ = t.sock.SetReadDeadline(past) }

// past is a deadline in the past.
var past = time.Unix(1, 0)

// own makes a new socket the owner of a table.
func own(fd int, table uint32) error {
	// The socket would also receive ICMPv6 messages, which this package does not read.
	if err := socket.FilterICMPv6(fd); err != nil {
		return err
	}
	_ = socket.SetReceiveBuffer(fd, upcallBuffer)
	if table != 0 {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, mrt6Table, int(table)); err != nil {
			return fmt.Errorf("multicast table %d: %w", table, openError(err))
		}
	}
	return openError(unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, mrt6Init, 1))
}

func openError(err error) error {
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		return ErrBusy
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return ErrPermission
	case errors.Is(err, unix.ENOPROTOOPT), errors.Is(err, unix.EAFNOSUPPORT), errors.Is(err, unix.EPROTONOSUPPORT):
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	case err != nil:
		return fmt.Errorf("open multicast forwarding table: %w", err)
	}
	return nil
}

// Close gives up the ownership. The kernel removes the table's routes and interfaces.
func (t *Table) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fd = -1
	return t.sock.Close()
}
