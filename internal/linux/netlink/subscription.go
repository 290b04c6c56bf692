package netlink

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/socket"
)

// Subscription receives the notices that the kernel sends to multicast groups. Only one
// goroutine may use it, but any may call Close.
type Subscription struct {
	closed atomic.Bool
	file   *os.File // registered with the runtime's poller
	raw    syscall.RawConn
	in     []byte

	// Fields of read, so that the function value given to the poller is made only once.
	poll    func(fd uintptr) bool
	hear    func(datagram []byte) bool
	overrun bool
	err     error
}

// Filter is a socket filter (BPF) that chooses which messages are queued.
type Filter []unix.SockFilter

// Subscribe joins groups (RTNLGRP_* and the like) of a part of the kernel, in the network
// namespace of the calling thread. Buffer is the size in bytes of the queue of unread
// notices. A nil filter accepts every message.
func Subscribe(protocol, buffer int, filter Filter, groups ...int) (*Subscription, error) {
	fd, err := open(protocol)
	if err != nil {
		return nil, err
	}
	_ = socket.SetReceiveBuffer(fd, buffer)
	if err := join(fd, filter, groups); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return newSubscription(fd)
}

func newSubscription(fd int) (*Subscription, error) {
	s := &Subscription{file: os.NewFile(uintptr(fd), "netlink"), in: make([]byte, datagramSize)}
	s.poll = s.read
	var err error
	if s.raw, err = s.file.SyscallConn(); err != nil {
		s.file.Close()
		return nil, err
	}
	return s, nil
}

func join(fd int, filter Filter, groups []int) error {
	if len(filter) > 0 {
		program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
		if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program); err != nil {
			return os.NewSyscallError("attach filter", err)
		}
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("bind", err)
	}
	for _, g := range groups {
		if err := unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, g); err != nil {
			return os.NewSyscallError("join group", err)
		}
	}
	return nil
}

// Close ends the subscription and a waiting Receive or Drain.
func (s *Subscription) Close() error {
	s.closed.Store(true)
	return s.file.Close()
}

// Receive waits for notices. It calls hear for each queued datagram until hear returns
// false. A datagram is valid until hear returns. overrun means that the kernel has
// dropped notices. After Close it returns net.ErrClosed.
func (s *Subscription) Receive(hear func(datagram []byte) bool) (overrun bool, err error) {
	s.hear, s.overrun, s.err = hear, false, nil
	err = s.raw.Read(s.poll)
	s.hear = nil
	if s.closed.Load() {
		return s.overrun, net.ErrClosed
	}
	return s.overrun, errors.Join(err, s.err)
}

// read reads the queued datagrams. It returns false if it must be called again when more
// arrive.
func (s *Subscription) read(fd uintptr) bool {
	for heard := false; ; {
		n, err := receive(int(fd), s.in)
		switch {
		case err == nil:
			heard = true
			if !s.hear(s.in[:min(n, len(s.in))]) {
				return true
			}
		case errors.Is(err, unix.ENOBUFS):
			s.overrun = true
		case errors.Is(err, unix.EAGAIN):
			return heard || s.overrun
		case !errors.Is(err, unix.EINTR):
			s.err = os.NewSyscallError("receive", err)
			return true
		}
	}
}

// Drain discards the unread notices. After an overrun the kernel drops notices until the
// queue is empty, so the caller must drain it first.
func (s *Subscription) Drain() error {
	var failed error
	err := s.raw.Read(func(fd uintptr) bool {
		for {
			switch _, err := receive(int(fd), s.in[:1]); {
			case err == nil, errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.EINTR):
			case errors.Is(err, unix.EAGAIN):
				return true
			default:
				failed = os.NewSyscallError("receive", err)
				return true
			}
		}
	})
	if s.closed.Load() {
		return net.ErrClosed
	}
	return errors.Join(err, failed)
}
