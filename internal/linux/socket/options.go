// Package socket has what several adapters need of a socket: buffers, batches of
// datagrams by one system call (recvmmsg(2)) and control messages (RFC 3542).
package socket

import (
	"os"

	"golang.org/x/sys/unix"
)

// SetReceiveBuffer sets how many bytes the kernel queues for a socket, beyond the
// system's bound if that is permitted, else as far as the bound allows.
func SetReceiveBuffer(fd, size int) error {
	return setBuffer(fd, unix.SO_RCVBUFFORCE, unix.SO_RCVBUF, size)
}

// SetSendBuffer does the same for what is to be sent.
func SetSendBuffer(fd, size int) error {
	return setBuffer(fd, unix.SO_SNDBUFFORCE, unix.SO_SNDBUF, size)
}

func setBuffer(fd, force, polite, size int) error {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, force, size) == nil {
		return nil
	}
	return os.NewSyscallError("set buffer", unix.SetsockoptInt(fd, unix.SOL_SOCKET, polite, size))
}

// FilterICMPv6 lets only messages of some types through to an ICMPv6 socket, by default
// none (RFC 3542 section 3.2).
func FilterICMPv6(fd int, pass ...int) error {
	var filter unix.ICMPv6Filter
	for i := range filter.Data {
		filter.Data[i] = ^uint32(0) // a set bit blocks a type
	}
	for _, typ := range pass {
		filter.Data[typ/32] &^= 1 << (typ % 32)
	}
	err := unix.SetsockoptICMPv6Filter(fd, unix.IPPROTO_ICMPV6, unix.ICMPV6_FILTER, &filter)
	return os.NewSyscallError("set ICMPv6 filter", err)
}
