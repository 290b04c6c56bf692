package udp

import (
	"errors"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Conn is a Socket whose Read waits for datagrams. Only one goroutine may call Read at a
// time; any may call the other methods.
type Conn struct {
	local netip.AddrPort
	file  *os.File
	raw   syscall.RawConn

	closed atomic.Bool
	mu     sync.Mutex // guards out
	out    outgoing
}

// Listen opens a socket in the network namespace of the calling thread, as Open does.
func Listen(c Config) (*Conn, error) {
	s, err := Open(c)
	if err != nil {
		return nil, err
	}
	return adopt(s.fd, s.local)
}

// Adopt takes over a socket that a predecessor has handed over.
func Adopt(fd int) (*Conn, error) {
	bound, err := unix.Getsockname(fd)
	sa, ok := bound.(*unix.SockaddrInet6)
	if err != nil || !ok {
		unix.Close(fd)
		return nil, &OpenError{"getsockname", netip.AddrPort{}, errors.Join(err, unix.EAFNOSUPPORT)}
	}
	return adopt(fd, netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port)))
}

func adopt(fd int, local netip.AddrPort) (*Conn, error) {
	conn := &Conn{local: local, file: os.NewFile(uintptr(fd), "udp")}
	conn.out.init()
	var err error
	if conn.raw, err = conn.file.SyscallConn(); err != nil {
		conn.file.Close()
		return nil, &OpenError{"poll", local, err}
	}
	return conn, nil
}

// HandOver returns the socket, for Adopt. A waiting Read ends with os.ErrDeadlineExceeded.
func (c *Conn) HandOver() *os.File {
	_ = c.file.SetReadDeadline(time.Unix(1, 0))
	return c.file
}

// Local returns the bound address and port.
func (c *Conn) Local() netip.AddrPort { return c.local }

// Read waits for datagrams and receives those that have arrived into b. The messages are
// valid until b is used again. After Close the error is os.ErrClosed.
func (c *Conn) Read(b *Batch) ([]Message, error) {
	var got []Message
	var failed error
	err := c.raw.Read(func(fd uintptr) bool {
		got, failed = receive(int(fd), b)
		return len(got) > 0 || failed != nil
	})
	if err != nil {
		return nil, c.pollError(err)
	}
	return got, failed
}

// Send sends payload to dst, as Socket.Send does. After Close the error is os.ErrClosed.
func (c *Conn) Send(src netip.Addr, dst netip.AddrPort, ifindex int, payload []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var failed error
	err := c.raw.Control(func(fd uintptr) { failed = c.out.send(int(fd), src, dst, ifindex, payload) })
	if err != nil {
		return c.pollError(err)
	}
	return failed
}

// Close closes the socket and ends a waiting Read.
func (c *Conn) Close() error {
	c.closed.Store(true)
	return c.file.Close()
}

// pollError replaces the error of the runtime's poller after Close by os.ErrClosed.
func (c *Conn) pollError(err error) error {
	if c.closed.Load() {
		return os.ErrClosed
	}
	return err
}
