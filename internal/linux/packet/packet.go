// Package packet sends and receives MLD messages of all interfaces on raw ICMPv6
// sockets, one for each direction: whoever waits for messages is woken by every
// packet that has left the same socket.
//
// The kernel checks and fills in the ICMPv6 checksum. What the socket hears of
// an interface depends on two things: Join brings MLDv2 reports and Done
// messages, and only an interface that is in a multicast forwarding table as
// well (ip6mr) brings MLDv1 reports, which go to the group's own address, and
// group-specific queries. Messages without a Router Alert option are heard only
// where they go to an address that was joined.
package packet

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/socket"
)

// ICMPv6 types that the socket receives.
const (
	typeQuery    = 130
	typeReportV1 = 131
	typeDone     = 132
	typeReportV2 = 143
)

// The groups that routers listen to.
var (
	allRouters      = netip.MustParseAddr("ff02::2")  // Done (RFC 2710 section 3.7)
	allMLDv2Routers = netip.MustParseAddr("ff02::16") // MLDv2 reports (RFC 9777 section 5.2.14)
)

const (
	// receiveBuffer is the wanted size of the socket's receive buffer in bytes.
	// The default of 208 KiB loses most of a burst of reports. This holds 100,000
	// short ones, each of which the kernel reckons at about 1.3 KiB of the double,
	// and costs nothing while no burst is there.
	receiveBuffer = 64 << 20
	sendBuffer    = 4 << 20
)

// Counters are what happened at the socket.
type Counters struct {
	Received  uint64 // messages handed out by Read
	Sent      uint64
	Truncated uint64 // received, but longer than maxMessage; dropped
	Malformed uint64 // received without the data that must come along; dropped
	Overrun   uint64 // dropped by the kernel because the receive buffer was full
}

// counters are Counters while they are counted.
type counters struct {
	received, sent, truncated, malformed, overrun atomic.Uint64
}

// Conn is an MLD socket. Read is for one goroutine; the other methods are for any.
type Conn struct {
	file  *os.File // in the runtime's poller
	raw   syscall.RawConn
	out   *os.File // not in it: it hears nothing
	send  syscall.RawConn
	reads reader
	count counters
	// closed is kept because the poller's own error cannot be told from others.
	closed atomic.Bool
}

// Open makes the sockets. It needs CAP_NET_RAW; without it the error wraps
// fs.ErrPermission.
func Open() (*Conn, error) {
	fd, err := open(unix.SOCK_NONBLOCK, receiverOptions, typeQuery, typeReportV1, typeDone, typeReportV2)
	if err != nil {
		return nil, err
	}
	_ = socket.SetReceiveBuffer(fd, receiveBuffer)
	return Adopt(fd)
}

// Adopt goes on with a socket that another program has handed over, which listens
// where it did and has kept what came meanwhile.
func Adopt(fd int) (*Conn, error) {
	c := &Conn{file: os.NewFile(uintptr(fd), "mld")}
	out, err := open(0, senderOptions)
	if err != nil {
		c.file.Close()
		return nil, err
	}
	_ = socket.SetSendBuffer(out, sendBuffer)
	c.out = os.NewFile(uintptr(out), "mld out")
	if c.raw, err = c.file.SyscallConn(); err == nil {
		c.send, err = c.out.SyscallConn()
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	c.reads.init(&c.count)
	return c, nil
}

// HandOver returns the socket, for Adopt. Nobody may read any more, see Interrupt.
func (c *Conn) HandOver() *os.File { return c.file }

// Interrupt ends a Read that waits, and all later ones, with os.ErrDeadlineExceeded.
// Messages stay in the socket.
func (c *Conn) Interrupt() { _ = c.file.SetReadDeadline(time.Unix(1, 0)) }

// open makes one socket, which receives only some types of messages.
func open(flags int, options []option, types ...int) (int, error) {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC|flags, unix.IPPROTO_ICMPV6)
	if err != nil {
		return -1, fmt.Errorf("open MLD socket: %w", err)
	}
	err = socket.FilterICMPv6(fd, types...)
	for _, o := range options {
		if err == nil {
			err = os.NewSyscallError("set "+o.name, unix.SetsockoptInt(fd, o.level, o.opt, o.value))
		}
	}
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("open MLD socket: %w", err)
	}
	return fd, nil
}

type option struct {
	name              string
	level, opt, value int
}

var receiverOptions = []option{
	{"IPV6_RECVPKTINFO", unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1},
	{"IPV6_RECVHOPLIMIT", unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT, 1},
	{"IPV6_RECVHOPOPTS", unix.IPPROTO_IPV6, unix.IPV6_RECVHOPOPTS, 1},
	{"SO_RXQ_OVFL", unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1},
}

var senderOptions = []option{
	// All of MLD has hop limit 1 (RFC 9777 section 5). What we say is not for us.
	{"IPV6_MULTICAST_HOPS", unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_HOPS, 1},
	{"IPV6_UNICAST_HOPS", unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, 1},
	{"IPV6_MULTICAST_LOOP", unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_LOOP, 0},
	// Flow label 0 as in the kernel's own MLD, not one that differs after each boot.
	{"IPV6_AUTOFLOWLABEL", unix.IPPROTO_IPV6, unix.IPV6_AUTOFLOWLABEL, 0},
}

// Close closes the sockets and ends a Read that is waiting.
func (c *Conn) Close() error {
	c.closed.Store(true)
	return errors.Join(c.file.Close(), c.out.Close())
}

// Counters returns what happened so far.
func (c *Conn) Counters() Counters {
	n := &c.count
	return Counters{n.received.Load(), n.sent.Load(), n.truncated.Load(), n.malformed.Load(), n.overrun.Load()}
}

// Join starts to listen on an interface. To join again is no error, and heals a
// membership that was lost because the interface vanished and came back.
func (c *Conn) Join(ifindex int) error {
	for _, group := range []netip.Addr{allMLDv2Routers, allRouters} {
		err := c.member(unix.IPV6_JOIN_GROUP, ifindex, group)
		if errors.Is(err, unix.EADDRINUSE) {
			_ = c.member(unix.IPV6_LEAVE_GROUP, ifindex, group)
			err = c.member(unix.IPV6_JOIN_GROUP, ifindex, group)
		}
		if err != nil {
			return fmt.Errorf("join %s on interface index %d: %w", group, ifindex, err)
		}
	}
	return nil
}

// Leave stops to listen on an interface. That it was not joined, or has
// vanished, is no error.
func (c *Conn) Leave(ifindex int) error {
	for _, group := range []netip.Addr{allMLDv2Routers, allRouters} {
		err := c.member(unix.IPV6_LEAVE_GROUP, ifindex, group)
		if err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) && !errors.Is(err, unix.ENODEV) {
			return fmt.Errorf("leave %s on interface index %d: %w", group, ifindex, err)
		}
	}
	return nil
}

func (c *Conn) member(opt, ifindex int, group netip.Addr) error {
	return c.control(c.raw, func(fd int) error {
		return unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, opt,
			&unix.IPv6Mreq{Multiaddr: group.As16(), Interface: uint32(ifindex)})
	})
}

// control runs f while a socket cannot be closed.
func (c *Conn) control(raw syscall.RawConn, f func(fd int) error) error {
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = f(int(fd)) }); err != nil {
		return c.ioError(err)
	}
	return failed
}

// ioError is the error of the poller, net.ErrClosed after Close.
func (c *Conn) ioError(err error) error {
	if c.closed.Load() {
		return net.ErrClosed
	}
	return err
}
