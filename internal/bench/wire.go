package bench

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// wire is a packet socket on a link of the generator.
type wire struct {
	fd       int
	headers  [wireBatch]mmsghdr
	vectors  [wireBatch]unix.Iovec
	data     [wireBatch][128]byte // the first bytes of received frames
	controls [wireBatch][64]byte
}

const wireBatch = 64

// mmsghdr is struct mmsghdr of sendmmsg(2).
type mmsghdr struct {
	header unix.Msghdr
	length uint32
}

// wire opens a socket for sending. With listen it also receives IPv6, with the kernel's
// receive times.
func (n *network) wire(link string, listen bool) (*wire, error) {
	w := &wire{fd: -1}
	err := n.spaces[generator].Do(func() (err error) {
		protocol := 0
		if listen {
			protocol = int(htons(unix.ETH_P_IPV6))
		}
		if w.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		if listen {
			err = errors.Join(
				unix.SetsockoptInt(w.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20),
				unix.SetsockoptInt(w.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
				unix.SetsockoptInt(w.fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1))
		}
		// Frames go directly to the driver.
		err = errors.Join(err, unix.SetsockoptInt(w.fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1))
		return errors.Join(err, unix.Bind(w.fd, &unix.SockaddrLinklayer{Protocol: uint16(protocol), Ifindex: n.index[link]}))
	})
	if err != nil {
		w.close()
		return nil, fmt.Errorf("packet socket on %s: %w", link, err)
	}
	for i := range w.headers {
		h := &w.headers[i].header
		h.Iov = &w.vectors[i]
		h.SetIovlen(1)
	}
	return w, nil
}

func (w *wire) close() {
	if w.fd >= 0 {
		unix.Close(w.fd)
	}
}

// send writes frames from..to-1, many with each system call.
func (w *wire) send(f *frames, from, to int) error {
	for from < to {
		n := min(to-from, wireBatch)
		for i := range n {
			b := f.at(from + i)
			w.vectors[i].Base = &b[0]
			w.vectors[i].SetLen(len(b))
		}
		sent, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(w.fd), uintptr(unsafe.Pointer(&w.headers[0])), uintptr(n), 0, 0, 0)
		runtime.KeepAlive(f)
		switch errno {
		case 0:
			from += int(sent)
		case unix.ENOBUFS, unix.EAGAIN, unix.EINTR:
		default:
			return fmt.Errorf("send frames: %w", errno)
		}
	}
	return nil
}

func htons(v uint16) uint16 { return v<<8 | v>>8 }
