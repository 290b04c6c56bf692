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

// Conn asks the kernel and reads its answers. It is for one goroutine at a time.
type Conn struct {
	// Pause, where it is set, is called between the parts of an answer. It is told
	// how long the kernel has taken for the last part. The kernel makes the next one
	// when that one has been read. An error gives the answer up and is that of Ask.
	Pause func(took time.Duration) error

	fd      int
	seq     uint32
	out, in []byte
}

const (
	// datagramSize is more than the kernel puts into one datagram. A part of a list has
	// up to 32 KiB, and an acknowledgement holds the message that it is for, which nests
	// at most 64 KiB.
	datagramSize = 128 << 10
	// answerLimit, in ms, is when an answer is given up that ought to be there.
	answerLimit = 1000
	// maxLists is how often a list is asked for whose objects keep changing.
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

// Adopt goes on with a socket that another program has handed over, see HandOver.
func Adopt(fd int) *Conn { return newConn(fd) }

// HandOver returns the socket in a file of its own. So it stays open for a successor when
// the connection is closed; to the kernel the two are one.
func (c *Conn) HandOver() (*os.File, error) {
	fd, err := unix.FcntlInt(uintptr(c.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("dup", err)
	}
	return os.NewFile(uintptr(fd), "netlink"), nil
}

// Port is the number by which the kernel knows the socket: messages that answer its requests,
// or tell of them, bear it.
func (c *Conn) Port() (uint32, error) {
	_ = unix.Bind(c.fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}) // one that has a port keeps it
	name, err := unix.Getsockname(c.fd)
	if err != nil {
		return 0, os.NewSyscallError("getsockname", err)
	}
	at, _ := name.(*unix.SockaddrNetlink)
	return at.Pid, nil
}

// Drain throws away what waits to be received: answers that nobody has read to the end.
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

// Close ends the connection. What is still tried fails.
func (c *Conn) Close() error {
	fd := c.fd
	c.fd = -1
	return os.NewSyscallError("close", unix.Close(fd))
}

// Enable switches options of the socket on (NETLINK_EXT_ACK and the like). Old kernels
// do not have all of them and go on without.
func (c *Conn) Enable(options ...int) {
	for _, o := range options {
		_ = unix.SetsockoptInt(c.fd, unix.SOL_NETLINK, o, 1)
	}
}

// SetBuffers sets the room in bytes for what is sent and for what is received, beyond
// the system's bounds if that is permitted, else as far as they allow.
func (c *Conn) SetBuffers(size int) {
	_ = socket.SetSendBuffer(c.fd, size)
	_ = socket.SetReceiveBuffer(c.fd, size)
}

// Ask sends a request and gives f each message of the answer, until the last. The
// messages are valid until f returns. The flags may hold NLM_F_DUMP to ask for a list,
// or NLM_F_ACK for a change; NLM_F_REQUEST is added. A refusal is an [Error].
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

// answer hands over the messages of a datagram. It is done with the last message of the
// answer. Late messages of an answer that was given up are passed over.
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

// Do asks for a change that the kernel only acknowledges.
func (c *Conn) Do(typ, flags uint16, data []byte) error {
	return c.Ask(typ, unix.NLM_F_ACK|flags, data, func(Message) {})
}

// List asks for all objects of a kind. The kernel marks a list that it has made while
// one of the objects changed: something may be missing that was there all the time.
// Such a list is asked for again.
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

// Receive reads one datagram. It is valid until the next is read. An answer that does
// not come is given up after a second; the error wraps os.ErrDeadlineExceeded.
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
