package pimio_test

import (
	"os"

	"golang.org/x/sys/unix"
)

// dup returns another descriptor of a file, as a successor gets it.
func dup(f *os.File) (fd int, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return -1, err
	}
	outer := raw.Control(func(old uintptr) {
		fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0)
	})
	if outer != nil {
		return -1, outer
	}
	return fd, err
}

func otherSocket() (int, error) {
	return unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
}
