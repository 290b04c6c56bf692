package gate

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// socket is a connection to nftables. The library's own starts a goroutine for each
// message that it sends or receives; a hand-over would wait until other threads have
// been woken and have found a processor. The kernel answers before a call that sends
// returns, so there is nothing to wait for.
type socket struct {
	fd  int
	out []byte
	in  []byte
}

const (
	// batchBuffer is room for the largest transaction in bytes: about 100,000 orphans.
	batchBuffer = 16 << 20
	// datagramSize is more than the kernel answers at once: a message of a transaction
	// comes back with an error, and holds up to 64 KiB.
	datagramSize = 128 << 10
	// answerLimit, in ms, is when an answer is given up that ought to be there.
	answerLimit = 1000
)

func openSocket() (*socket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("bind", err)
	}
	// Beyond the system's bounds if permitted. Less room only limits how many orphans
	// can change at once.
	for force, option := range map[int]int{unix.SO_SNDBUFFORCE: unix.SO_SNDBUF, unix.SO_RCVBUFFORCE: unix.SO_RCVBUF} {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, force, batchBuffer) != nil {
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, batchBuffer)
		}
	}
	return &socket{fd: fd, in: make([]byte, datagramSize)}, nil
}

func (s *socket) close() error {
	fd := s.fd
	s.fd = -1 // what is still tried fails
	return os.NewSyscallError("close", unix.Close(fd))
}

// exchange is what the library calls in place of a socket of its own: with what is
// to be sent, and with nothing to be given the next answer.
func (s *socket) exchange(request []netlink.Message) ([]netlink.Message, error) {
	if len(request) == 0 {
		return s.receive()
	}
	return nil, s.send(request)
}

func (s *socket) send(messages []netlink.Message) error {
	s.out = s.out[:0]
	for _, m := range messages {
		b, err := m.MarshalBinary()
		if err != nil {
			return err
		}
		s.out = append(s.out, b...)
	}
	return unix.Sendto(s.fd, s.out, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
}

// receive reads one datagram.
func (s *socket) receive() ([]netlink.Message, error) {
	n, _, err := unix.Recvfrom(s.fd, s.in, unix.MSG_TRUNC)
	if errors.Is(err, unix.EAGAIN) {
		if _, err = unix.Poll([]unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN}}, answerLimit); err == nil {
			n, _, err = unix.Recvfrom(s.fd, s.in, unix.MSG_TRUNC)
		}
	}
	switch {
	case err != nil:
		return nil, err
	case n > len(s.in):
		return nil, fmt.Errorf("answer of %d bytes, at most %d expected", n, len(s.in))
	}
	return parse(bytes.Clone(s.in[:n]))
}

// parse takes a datagram apart. The messages share its memory.
func parse(b []byte) (messages []netlink.Message, err error) {
	for len(b) >= unix.NLMSG_HDRLEN {
		length := int(binary.NativeEndian.Uint32(b))
		aligned := (length + unix.NLMSG_ALIGNTO - 1) &^ (unix.NLMSG_ALIGNTO - 1)
		if length < unix.NLMSG_HDRLEN || aligned > len(b) {
			return nil, fmt.Errorf("message of %d bytes, %d left", length, len(b))
		}
		var m netlink.Message
		if err := m.UnmarshalBinary(b[:aligned]); err != nil {
			return nil, err
		}
		messages, b = append(messages, m), b[aligned:]
	}
	return messages, nil
}
