package netlink

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

func open(protocol int) (int, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
	return fd, os.NewSyscallError("socket", err)
}

// receive reads one datagram and returns its length. The length is larger than b if the
// datagram was cut short. It allocates nothing, because it does not ask for the sender's
// address; the sender is always the kernel.
func receive(fd int, b []byte) (int, error) {
	n, _, errno := unix.Syscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
		unix.MSG_TRUNC, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
