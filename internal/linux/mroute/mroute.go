// Package mroute owns one of the kernel's IPv6 multicast forwarding tables
// (ip6mr): the multicast interfaces (MIFs), the (S,G) entries of the multicast
// forwarding cache (MFC), and the upcalls for packets that no entry matches.
//
// A table has one owner at a time. The kernel empties it when the owner's
// socket is closed, so nothing stale is left behind by a process that died.
// Others with the capability can change it all the same, and what they have
// touched outlives the owner: Open throws that away, a [Reader] shows the table
// as it is and a [Watcher] tells of such changes.
//
// # Streams for any source
//
// The kernel also takes (*,G) entries, which need no upcall. Measured on Linux
// 6.18 with two processors, streams that begin one every 50 us or all at once:
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
// (This kernel bounds the packets that wait for an answer, four an entry, but not
// the entries; older ones let ten wait.) Upcalls are used all the
// same: without them nobody learns of the sources, so there would be no counters
// by (S,G) and no way to let single streams pass the gate, and every excluded
// source would need an entry of its own. They cost a fraction of a millisecond
// once a stream, and no packet.
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

// Why a table could not be used as asked.
var (
	// ErrBusy says that another process owns the table.
	ErrBusy = errors.New("another daemon owns the IPv6 multicast forwarding table")
	// ErrPermission says that the process lacks a capability.
	ErrPermission = errors.New("no permission for IPv6 multicast routing (CAP_NET_ADMIN and CAP_NET_RAW are needed)")
	// ErrUnsupported says that the kernel has no IPv6 multicast routing, or no
	// second table.
	ErrUnsupported = errors.New("the kernel lacks IPv6 multicast routing")
	// ErrTooManyInterfaces says that all MaxInterfaces MIFs are taken.
	ErrTooManyInterfaces = errors.New("no multicast interface (MIF) is left in the table")
	// ErrNoInterface says that a route names an interface that is not in the table.
	ErrNoInterface = errors.New("not a multicast interface of the table")
	// ErrNoRoute says that there is no entry for (S,G).
	ErrNoRoute = errors.New("no such entry in the multicast forwarding table")
)

// upcallBuffer is the wanted size of the upcall queue in bytes.
const upcallBuffer = 4 << 20

// Table is an open forwarding table. Its methods may be called by several
// goroutines at once; ReadUpcall by one.
type Table struct {
	sock *os.File // in the runtime's poller, for ReadUpcall

	mu   sync.Mutex
	fd   int                // -1 when closed
	mifs [MaxInterfaces]int // interface index of each MIF, 0 when free
	next int
	// discard is the entry of Discard.
	discard Route
	mfc     mf6cctl   // kept here so that Set allocates nothing
	sg      sgRequest // likewise
	upcall  [sizeofUpcall]byte
}

// Open becomes the owner of a table. Table 0 is the main one, which is used for
// all packets unless rules (ip mrule) say otherwise. The error wraps
// ErrBusy, ErrPermission or ErrUnsupported where one of them is the cause.
func Open(table uint32) (*Table, error) {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_ICMPV6)
	if err != nil {
		return nil, openError(err)
	}
	if err := own(fd, table); err != nil {
		unix.Close(fd)
		return nil, err
	}
	// What others have made outlives every owner. Before Linux 5.1 it cannot be flushed.
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, mrt6Flush, flushMFC|flushMIFs)
	return &Table{sock: os.NewFile(uintptr(fd), "ip6mr"), fd: fd}, nil
}

// Adopt goes on with the socket of a table that another program has handed over, and
// with its interfaces, as HandOver returns them. Nothing in the kernel is touched.
func Adopt(fd int, interfaces []int) *Table {
	t := &Table{sock: os.NewFile(uintptr(fd), "ip6mr"), fd: fd}
	copy(t.mifs[:], interfaces)
	return t
}

// HandOver returns the socket and the interface index of each MIF, 0 for one that is
// free. Nobody may read upcalls any more, see Interrupt.
func (t *Table) HandOver() (socket *os.File, interfaces []int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sock, slices.Clone(t.mifs[:])
}

// Interrupt ends a ReadUpcall that waits, and all later ones, with
// os.ErrDeadlineExceeded. Upcalls stay in the socket.
func (t *Table) Interrupt() { _ = t.sock.SetReadDeadline(past) }

// past is a deadline that is over.
var past = time.Unix(1, 0)

// own prepares a fresh socket as the owner of a table.
func own(fd int, table uint32) error {
	// The socket gets ICMPv6 as well as upcalls; nobody here reads that.
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

// Close gives the table up. The kernel forgets its routes and interfaces.
func (t *Table) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fd = -1
	return t.sock.Close()
}
