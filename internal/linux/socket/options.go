// Package socket contains socket functions that several adapters use: buffer sizes,
// reception of many datagrams with one system call (recvmmsg(2)) and control messages (RFC
// 3542).
package socket

import (
	"os"

	"golang.org/x/sys/unix"
)

// SetReceiveBuffer sets how many bytes the kernel queues for a socket. It exceeds the
// system's limit if the process may do so; otherwise the size is at most the limit.
func SetReceiveBuffer(fd, size int) error {
	return setBuffer(fd, unix.SO_RCVBUFFORCE, unix.SO_RCVBUF, size)
}

// SetSendBuffer sets the size of the send buffer in the same way.
func SetSendBuffer(fd, size int) error {
	return setBuffer(fd, unix.SO_SNDBUFFORCE, unix.SO_SNDBUF, size)
}

func setBuffer(fd, force, polite, size int) error {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, force, size) == nil {
		return nil
	}
	return os.NewSyscallError("set buffer", unix.SetsockoptInt(fd, unix.SOL_SOCKET, polite, size))
}

// FilterICMPv6 makes an ICMPv6 socket receive only messages of the given types, or none
// without types (RFC 3542 section 3.2).
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
