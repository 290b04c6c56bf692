package netlink

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/socket"
)

// Conn sends requests to the kernel and reads its answers. Only one goroutine may use it at
// a time.
type Conn struct {
	// Pause, if set, is called between the parts of an answer, with the time that the
	// kernel took for the last part. The kernel makes the next part only after this one has
	// been read. If Pause returns an error, Ask stops and returns it.
	Pause func(took time.Duration) error

	fd      int
	seq     uint32
	out, in []byte
}

const (
	// datagramSize is larger than any datagram of the kernel. A part of a list has at most
	// 32 KiB. An acknowledgement contains the message that it acknowledges, which has at
	// most 64 KiB.
	datagramSize = 128 << 10
	// answerLimit is how long Receive waits for an answer, in ms.
	answerLimit = 1000
	// maxLists is how many times List requests a list whose objects keep changing.
	maxLists = 100
)

// Open makes a connection to a part of the kernel (NETLINK_ROUTE and the like), in the
// network namespace of the calling thread.
func Open(protocol int) (*Conn, error) {
	fd, err := open(protocol)
	if err != nil {
		return nil, err
	}
	return newConn(fd), nil
}

func newConn(fd int) *Conn { return &Conn{fd: fd, in: make([]byte, datagramSize)} }

// Adopt returns a connection over a socket that another program has handed over, see
// HandOver.
func Adopt(fd int) *Conn { return newConn(fd) }

// HandOver returns a file with another descriptor of the socket. The socket stays open for
// a successor when the connection is closed. For the kernel both descriptors are one
// socket.
func (c *Conn) HandOver() (*os.File, error) {
	fd, err := unix.FcntlInt(uintptr(c.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("dup", err)
	}
	return os.NewFile(uintptr(fd), "netlink"), nil
}

// Port returns the netlink port of the socket. Answers to its requests, and notices about
// its changes, contain this number.
func (c *Conn) Port() (uint32, error) {
	_ = unix.Bind(c.fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}) // a socket that has a port already keeps it
	name, err := unix.Getsockname(c.fd)
	if err != nil {
		return 0, os.NewSyscallError("getsockname", err)
	}
	at, _ := name.(*unix.SockaddrNetlink)
	return at.Pid, nil
}

// Drain discards the messages that were received and not read.
func (c *Conn) Drain() error {
	for {
		switch _, err := receive(c.fd, c.in); {
		case errors.Is(err, unix.EAGAIN):
			return nil
		case err != nil && !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.ENOBUFS):
			return os.NewSyscallError("receive", err)
		}
	}
}

// Close closes the socket. Later calls fail.
func (c *Conn) Close() error {
	fd := c.fd
	c.fd = -1
	return os.NewSyscallError("close", unix.Close(fd))
}

// Enable switches on options of the socket (NETLINK_EXT_ACK and the like). It ignores an
// option that an old kernel does not have.
func (c *Conn) Enable(options ...int) {
	for _, o := range options {
		_ = unix.SetsockoptInt(c.fd, unix.SOL_NETLINK, o, 1)
	}
}

// SetBuffers sets the size in bytes of the send buffer and the receive buffer. It exceeds
// the system's limits if the process may do so; otherwise the sizes are at most the limits.
func (c *Conn) SetBuffers(size int) {
	_ = socket.SetSendBuffer(c.fd, size)
	_ = socket.SetReceiveBuffer(c.fd, size)
}

// Ask sends a request and gives f each message of the answer, up to the last. A message is
// valid until f returns. The flags may contain NLM_F_DUMP to ask for a list, or NLM_F_ACK
// for a change; NLM_F_REQUEST is added. If the kernel refuses the request, the error is an
// [Error].
func (c *Conn) Ask(typ, flags uint16, data []byte, f func(Message)) error {
	c.seq++
	c.out = AppendMessage(c.out[:0], Message{Type: typ, Flags: unix.NLM_F_REQUEST | flags, Seq: c.seq, Data: data})
	if err := c.Send(c.out); err != nil {
		return err
	}
	single := flags&(unix.NLM_F_DUMP|unix.NLM_F_ACK) == 0
	for {
		begin := time.Now()
		b, err := c.Receive()
		if err != nil {
			return err
		}
		took := time.Since(begin)
		if done, err := c.answer(b, single, f); done {
			return err
		}
		if c.Pause != nil {
			if err := c.Pause(took); err != nil {
				return err
			}
		}
	}
}

// answer gives f the messages of a datagram. It returns done after the last message of the
// answer. It ignores late messages of an earlier request.
func (c *Conn) answer(b []byte, single bool, f func(Message)) (done bool, err error) {
	for {
		m, rest, ok := NextMessage(b)
		switch {
		case !ok:
			return done, nil
		case m.Seq != c.seq:
		case m.Type == unix.NLMSG_DONE, m.Type == unix.NLMSG_ERROR:
			return true, m.outcome()
		default:
			f(m)
			done = single && m.Flags&unix.NLM_F_MULTI == 0
		}
		b = rest
	}
}

// Do requests a change that the kernel only acknowledges.
func (c *Conn) Do(typ, flags uint16, data []byte) error {
	return c.Ask(typ, unix.NLM_F_ACK|flags, data, func(Message) {})
}

// List requests all objects of a kind. If an object changed while the kernel made the
// list, the kernel marks the list, because objects may be missing. Then List requests it
// again.
func (c *Conn) List(typ uint16, data []byte) (list []Message, err error) {
	for range maxLists {
		list = list[:0]
		interrupted := false
		err := c.Ask(typ, unix.NLM_F_DUMP, data, func(m Message) {
			interrupted = interrupted || m.Flags&unix.NLM_F_DUMP_INTR != 0
			m.Data = bytes.Clone(m.Data)
			list = append(list, m)
		})
		if err != nil || !interrupted {
			return list, err
		}
	}
	return nil, fmt.Errorf("the objects changed while they were listed, %d times", maxLists)
}

// Send sends messages that AppendMessage has encoded, as one datagram.
func (c *Conn) Send(b []byte) error {
	return os.NewSyscallError("send", unix.Send(c.fd, b, 0))
}

// Receive reads one datagram. It is valid until the next one is read. If no answer comes
// for one second, the error wraps os.ErrDeadlineExceeded.
func (c *Conn) Receive() ([]byte, error) {
	for {
		n, err := receive(c.fd, c.in)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			err = c.await()
			if err != nil {
				return nil, err
			}
		case err != nil:
			return nil, os.NewSyscallError("receive", err)
		case n > len(c.in):
			return nil, fmt.Errorf("answer of %d bytes, at most %d expected", n, len(c.in))
		default:
			return c.in[:n], nil
		}
	}
}

// await waits for an answer.
func (c *Conn) await() error {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLIN}}, answerLimit)
	switch {
	case errors.Is(err, unix.EINTR):
		return nil
	case err != nil:
		return os.NewSyscallError("poll", err)
	case n == 0:
		return fmt.Errorf("the kernel does not answer: %w", os.ErrDeadlineExceeded)
	}
	return nil
}
