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
	// receiveBuffer is the wanted size of the socket's receive buffer in bytes. The default
	// of 208 KiB would lose most of a burst of reports. This size holds 100,000 short
	// reports: the kernel counts about 1.3 KiB for each and grants twice the wanted size.
	// It uses no memory while no burst is queued.
	receiveBuffer = 64 << 20
	sendBuffer    = 4 << 20
)

// Counters count events at the sockets.
type Counters struct {
	Received  uint64 // messages that Read returned without an error
	Sent      uint64
	Truncated uint64 // messages that were longer than any MLD message can be
	Malformed uint64 // messages whose headers or checksum were wrong
	Overrun   uint64 // messages that the kernel dropped because the receive buffer was full
}

// counters are the live values of Counters.
type counters struct {
	received, sent, truncated, malformed atomic.Uint64
}

// Conn receives and sends MLD. Only one goroutine may call Read; any may call the other
// methods.
type Conn struct {
	file  *os.File // the packet socket, in the runtime's poller
	raw   syscall.RawConn
	out   *os.File // the raw socket, not in the poller: it receives nothing
	send  syscall.RawConn
	reads reader
	count counters
	// closed is kept because the error of the poller does not tell a close from other
	// errors.
	closed atomic.Bool

	mu     sync.Mutex    // guards the fields below; held while the kernel answers, which may take long
	joined []int         // indexes of the joined interfaces, ascending
	ask    *netlink.Conn // for requests about memberships

	statistics sync.Mutex // guards overrun
	overrun    uint64     // drops that the kernel has reported so far
}

// Open makes the sockets in the network namespace of the calling thread. They receive
// nothing before Join. It needs CAP_NET_RAW; without it the error wraps fs.ErrPermission.
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

// errOtherSocket means that a socket that was handed over is not of the kind that this
// package opens.
var errOtherSocket = errors.New("not a socket of this kind")

// Adopt takes over the results of a predecessor's HandOver: the sockets, with the
// messages that have arrived since then, and the joined interfaces. If it fails, it
// closes the sockets.
func Adopt(in, out int, joined []int) (*Conn, error) {
	err := errors.Join(requireDomain(in, unix.AF_PACKET), requireDomain(out, unix.AF_INET6))
	if err == nil {
		err = attach(in, joined) // the predecessor's filter may be different
	}
	if err == nil {
		err = unix.SetNonblock(out, false) // otherwise os.NewFile would add it to the poller
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

// openIn makes the packet socket. Its filter refuses everything at first.
func openIn() (int, error) {
	// With protocol 0 the socket receives nothing until it is bound.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open MLD packet socket: %w", err)
	}
	_ = socket.SetReceiveBuffer(fd, receiveBuffer)
	err = errors.Join(
		attach(fd, nil),
		// Without this option the kernel would copy each outgoing packet for the socket,
		// only for its filter to refuse it.
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

// HandOver returns the sockets and the joined interfaces, for Adopt. After that Read must
// not be called, and no Read may still be waiting, see Interrupt.
func (c *Conn) HandOver() (in, out *os.File, joined []int) { return c.file, c.out, c.Joined() }

// Interrupt ends a waiting Read, and all later ones, with os.ErrDeadlineExceeded. Messages
// stay in the socket.
func (c *Conn) Interrupt() { _ = c.file.SetReadDeadline(time.Unix(1, 0)) }

// Close closes the sockets and ends a waiting Read.
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

// Counters returns the counters since Open.
func (c *Conn) Counters() Counters {
	n := &c.count
	return Counters{n.received.Load(), n.sent.Load(), n.truncated.Load(), n.malformed.Load(), c.overruns()}
}

// overruns adds the kernel's count of dropped messages. The kernel resets its count at each
// reading.
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

// control runs f with the descriptor of a socket. The socket cannot be closed while f
// runs.
func (c *Conn) control(raw syscall.RawConn, f func(fd int) error) error {
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = f(int(fd)) }); err != nil {
		return c.ioError(err)
	}
	return failed
}

// ioError returns the error of the poller, or net.ErrClosed after Close.
func (c *Conn) ioError(err error) error {
	if c.closed.Load() {
		return net.ErrClosed
	}
	return err
}
