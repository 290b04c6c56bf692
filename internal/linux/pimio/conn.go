package pimio

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/socket"
)

const (
	protocol = 103
	// buffers is the wanted size of the socket's buffers in bytes. A neighbor may refresh
	// 100,000 joins at once, and the kernel charges twice the size of the messages.
	buffers = 16 << 20
	// controlTraffic is the traffic class of routing protocols: DSCP CS6 (RFC 4594, section
	// 3.2), so that a full link does not lose the joins.
	controlTraffic = 0xc0

	// BatchSize is the most messages that one Read returns.
	BatchSize = 64
	// maxMessage is the longest message that is received, in bytes: more than a jumbo frame holds.
	maxMessage = 9216
)

// allRouters is ALL-PIM-ROUTERS (RFC 7761, section 4.9).
var allRouters = netip.MustParseAddr("ff02::d")

// Message is a PIM message that was received. Payload is valid until the next Read.
type Message struct {
	Ifindex  int
	Src, Dst netip.Addr
	Payload  []byte // from the PIM header on
}

// Counters count events at the socket.
type Counters struct {
	Received  uint64 // messages that Read returned
	Sent      uint64
	Truncated uint64 // messages that were longer than any PIM message can be
	Foreign   uint64 // messages received on an interface that is not joined
	Overrun   uint64 // messages that the kernel dropped because the receive buffer was full, modulo 2^32
}

// Conn receives and sends PIM. Only one goroutine may call Read; any may call the other
// methods.
type Conn struct {
	file  *os.File // the raw socket, in the runtime's poller
	raw   syscall.RawConn
	batch *socket.Batch

	received, sent, truncated, foreign, overrun atomic.Uint64
	// closed is kept because the error of the poller does not tell a close from other
	// errors.
	closed atomic.Bool

	mu     sync.Mutex // guards the fields below
	joined []int      // indexes of the joined interfaces, ascending
}

// Open makes the socket in the network namespace of the calling thread. It receives
// nothing before Join. It needs CAP_NET_RAW; without it the error wraps fs.ErrPermission.
func Open() (*Conn, error) {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return nil, fmt.Errorf("open PIM socket: %w", err)
	}
	if err := errors.Join(setOptions(fd)...); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("open PIM socket: %w", err)
	}
	return newConn(fd, nil)
}

// Adopt takes over the results of a predecessor's HandOver: the socket, with the messages
// that have arrived since then, and the joined interfaces. If it fails, it closes the
// socket.
func Adopt(fd int, joined []int) (*Conn, error) {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PROTOCOL)
	if err == nil && kind != protocol {
		err = errors.New("not a socket of PIM")
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("adopt PIM socket: %w", err)
	}
	return newConn(fd, joined)
}

func setOptions(fd int) (errs []error) {
	_ = socket.SetReceiveBuffer(fd, buffers)
	_ = socket.SetSendBuffer(fd, buffers)
	for _, o := range []struct {
		name              string
		level, opt, value int
	}{
		// All messages to ff02::d have hop limit 1 (RFC 7761, section 4.9).
		{"IPV6_MULTICAST_HOPS", unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_HOPS, 1},
		{"IPV6_UNICAST_HOPS", unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, 1},
		{"IPV6_MULTICAST_LOOP", unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_LOOP, 0},
		// Otherwise the socket would also receive on interfaces that other sockets have
		// joined.
		{"IPV6_MULTICAST_ALL", unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0},
		{"IPV6_TCLASS", unix.IPPROTO_IPV6, unix.IPV6_TCLASS, controlTraffic},
		{"IPV6_RECVPKTINFO", unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1},
		{"SO_RXQ_OVFL", unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1},
	} {
		errs = append(errs, os.NewSyscallError("set "+o.name, unix.SetsockoptInt(fd, o.level, o.opt, o.value)))
	}
	return errs
}

func newConn(fd int, joined []int) (*Conn, error) {
	c := &Conn{
		file:   os.NewFile(uintptr(fd), "pim"),
		batch:  socket.NewBatch(BatchSize, maxMessage, unix.CmsgSpace(unix.SizeofInet6Pktinfo)+unix.CmsgSpace(4)),
		joined: slices.Sorted(slices.Values(joined)),
	}
	var err error
	if c.raw, err = c.file.SyscallConn(); err != nil {
		c.file.Close()
		return nil, fmt.Errorf("open PIM socket: %w", err)
	}
	return c, nil
}

// HandOver returns the socket and the joined interfaces, for Adopt. After that Read must
// not be called, and no Read may still be waiting, see Interrupt.
func (c *Conn) HandOver() (file *os.File, joined []int) { return c.file, c.Joined() }

// Interrupt ends a Read that waits, and all later ones, with os.ErrDeadlineExceeded. Messages stay
// in the socket.
func (c *Conn) Interrupt() { _ = c.file.SetReadDeadline(time.Unix(1, 0)) }

// Close closes the socket and ends a Read that is waiting.
func (c *Conn) Close() error {
	c.closed.Store(true)
	return c.file.Close()
}

// Counters returns the counters since Open.
func (c *Conn) Counters() Counters {
	return Counters{c.received.Load(), c.sent.Load(), c.truncated.Load(), c.foreign.Load(), c.overrun.Load()}
}

// Join begins to receive on an interface. The kernel drops a membership when the
// interface loses IPv6; joining again renews it.
func (c *Conn) Join(ifindex int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.member(unix.IPV6_LEAVE_GROUP, ifindex)
	if err := c.member(unix.IPV6_JOIN_GROUP, ifindex); err != nil {
		return fmt.Errorf("hear PIM on interface index %d: %w", ifindex, err)
	}
	if at, found := slices.BinarySearch(c.joined, ifindex); !found {
		c.joined = slices.Insert(c.joined, at, ifindex)
	}
	return nil
}

// Leave ends the reception on an interface. It is no error if the interface is not joined
// or has vanished.
func (c *Conn) Leave(ifindex int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.member(unix.IPV6_LEAVE_GROUP, ifindex)
	c.joined = slices.DeleteFunc(c.joined, func(i int) bool { return i == ifindex })
}

// Joined returns the indexes of the joined interfaces, in ascending order.
func (c *Conn) Joined() []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.joined)
}

func (c *Conn) hears(ifindex int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, found := slices.BinarySearch(c.joined, ifindex)
	return found
}

func (c *Conn) member(opt, ifindex int) error {
	return c.control(func(fd int) error {
		return unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, opt,
			&unix.IPv6Mreq{Multiaddr: allRouters.As16(), Interface: uint32(ifindex)})
	})
}

func (c *Conn) control(f func(fd int) error) (err error) {
	if outer := c.raw.Control(func(fd uintptr) { err = f(int(fd)) }); outer != nil {
		return outer
	}
	return err
}

// Send sends a message with its checksum in it out of an interface. The source must be an
// address of the interface. Send does not wait: if the send buffer is full, the error
// wraps EAGAIN.
func (c *Conn) Send(ifindex int, src, dst netip.Addr, payload []byte) error {
	var control [64]byte
	oob := socket.AppendPacketInfo(control[:0], ifindex, src)
	to := &unix.SockaddrInet6{Addr: dst.As16(), ZoneId: uint32(ifindex)}
	err := c.control(func(fd int) error {
		_, err := unix.SendmsgN(fd, payload, oob, to, unix.MSG_DONTWAIT)
		return err
	})
	if err != nil {
		return fmt.Errorf("send PIM message to %s on interface index %d: %w", dst, ifindex, err)
	}
	c.sent.Add(1)
	return nil
}

// Read waits for messages and fills list with those that have arrived, at most BatchSize.
// It returns their number, which is 0 if it dropped all of them. After Close the error
// wraps net.ErrClosed.
func (c *Conn) Read(list []Message) (int, error) {
	var got []socket.Datagram
	var err error
	wait := c.raw.Read(func(fd uintptr) bool {
		got, err = c.batch.Receive(int(fd), len(list))
		return len(got) > 0 || err != nil || len(list) == 0
	})
	if err := errors.Join(wait, err); err != nil {
		if c.closed.Load() {
			err = net.ErrClosed
		}
		return 0, fmt.Errorf("receive PIM messages: %w", err)
	}
	n := 0
	for i := range got {
		d := &got[i]
		c.overrun.Store(uint64(max(d.Overrun, uint32(c.overrun.Load()))))
		switch {
		case d.Truncated:
			c.truncated.Add(1)
		case !c.hears(d.Ifindex):
			c.foreign.Add(1)
		default:
			list[n] = Message{d.Ifindex, d.Src.Addr(), d.Dst, d.Payload}
			c.received.Add(1)
			n++
		}
	}
	return n, nil
}
