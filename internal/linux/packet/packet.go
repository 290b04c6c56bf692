package packet

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
	"tandem/internal/linux/socket"
)

const (
	// receiveBuffer is the wanted size of the socket's receive buffer in bytes.
	// The default of 208 KiB loses most of a burst of reports. This holds 100,000
	// short ones, each of which the kernel reckons at about 1.3 KiB of the double,
	// and costs nothing while no burst is there.
	receiveBuffer = 64 << 20
	sendBuffer    = 4 << 20
)

// Counters are what happened at the sockets.
type Counters struct {
	Received  uint64 // messages handed out by Read, without those that have an error
	Sent      uint64
	Truncated uint64 // received, but longer than any MLD message can be
	Malformed uint64 // received, but the headers or the checksum are wrong
	Overrun   uint64 // dropped by the kernel because the receive buffer was full
}

// counters are Counters while they are counted.
type counters struct {
	received, sent, truncated, malformed atomic.Uint64
}

// Conn hears and sends MLD. Read is for one goroutine; the other methods are for any.
type Conn struct {
	file  *os.File // the packet socket, in the runtime's poller
	raw   syscall.RawConn
	out   *os.File // the raw socket, not in it: it hears nothing
	send  syscall.RawConn
	reads reader
	count counters
	// closed is kept because the poller's own error cannot be told from others.
	closed atomic.Bool

	mu     sync.Mutex    // guards what follows; the kernel may be long in answering
	joined []int         // indexes of the interfaces that are heard, ascending
	ask    *netlink.Conn // about memberships

	statistics sync.Mutex // guards what follows
	overrun    uint64     // what the kernel has told so far
}

// Open makes the sockets in the network namespace of the calling thread. They hear
// nothing yet. It needs CAP_NET_RAW; without it the error wraps fs.ErrPermission.
func Open() (*Conn, error) {
	in, err := openIn()
	if err != nil {
		return nil, err
	}
	out, err := openOut()
	if err != nil {
		unix.Close(in)
		return nil, err
	}
	return newConn(in, out, nil)
}

// errOtherSocket says that a socket which was handed over is not of the kind that this
// package opens.
var errOtherSocket = errors.New("not a socket of this kind")

// Adopt goes on with what another program has handed over: the sockets, which have kept
// what came meanwhile, and the interfaces that they hear. It closes them when it fails.
func Adopt(in, out int, joined []int) (*Conn, error) {
	err := errors.Join(requireDomain(in, unix.AF_PACKET), requireDomain(out, unix.AF_INET6))
	if err == nil {
		err = attach(in, joined) // the other program's filter may be another one
	}
	if err == nil {
		err = unix.SetNonblock(out, false) // else it would be in the poller
	}
	if err != nil {
		unix.Close(in)
		unix.Close(out)
		return nil, fmt.Errorf("adopt MLD sockets: %w", err)
	}
	return newConn(in, out, joined)
}

func requireDomain(fd, want int) error {
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err == nil && domain != want {
		err = errOtherSocket
	}
	return err
}

func newConn(in, out int, joined []int) (*Conn, error) {
	c := &Conn{file: os.NewFile(uintptr(in), "mld in"), out: os.NewFile(uintptr(out), "mld out"), joined: joined}
	var err error
	if c.raw, err = c.file.SyscallConn(); err == nil {
		c.send, err = c.out.SyscallConn()
	}
	if err == nil {
		c.ask, err = netlink.Open(unix.NETLINK_ROUTE)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	c.reads.init(&c.count)
	return c, nil
}

// openIn makes the packet socket, which lets nothing through yet.
func openIn() (int, error) {
	// Protocol 0 receives nothing until it is bound.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open MLD packet socket: %w", err)
	}
	_ = socket.SetReceiveBuffer(fd, receiveBuffer)
	err = errors.Join(
		attach(fd, nil),
		// What leaves would be copied for the socket before its filter refuses it.
		os.NewSyscallError("set PACKET_IGNORE_OUTGOING", unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1)),
		os.NewSyscallError("set PACKET_AUXDATA", unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1)),
	)
	if err == nil {
		all := uint16(unix.ETH_P_ALL)<<8 | unix.ETH_P_ALL>>8
		err = os.NewSyscallError("bind", unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all}))
	}
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("open MLD packet socket: %w", err)
	}
	return fd, nil
}

// HandOver returns the sockets and the interfaces that they hear, for Adopt. Nobody may
// read any more, see Interrupt.
func (c *Conn) HandOver() (in, out *os.File, joined []int) { return c.file, c.out, c.Joined() }

// Interrupt ends a Read that waits, and all later ones, with os.ErrDeadlineExceeded.
// Messages stay in the socket.
func (c *Conn) Interrupt() { _ = c.file.SetReadDeadline(time.Unix(1, 0)) }

// Close closes the sockets and ends a Read that is waiting.
func (c *Conn) Close() error {
	c.closed.Store(true)
	err := errors.Join(c.file.Close(), c.out.Close())
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ask != nil {
		c.ask.Close()
	}
	return err
}

// Counters returns what happened so far.
func (c *Conn) Counters() Counters {
	n := &c.count
	return Counters{n.received.Load(), n.sent.Load(), n.truncated.Load(), n.malformed.Load(), c.overruns()}
}

// overruns asks the kernel, whose count begins anew each time.
func (c *Conn) overruns() uint64 {
	c.statistics.Lock()
	defer c.statistics.Unlock()
	_ = c.control(c.raw, func(fd int) error {
		stats, err := unix.GetsockoptTpacketStats(fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
		if err == nil {
			c.overrun += uint64(stats.Drops)
		}
		return err
	})
	return c.overrun
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
