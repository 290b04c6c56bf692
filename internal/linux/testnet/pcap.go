package testnet

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Pcap returns a capture file of Ethernet frames, with one second between them.
func Pcap(frames [][]byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, 0xa1b2c3d4)
	b = append(b, 2, 0, 4, 0)
	b = append(b, make([]byte, 8)...)
	b = binary.LittleEndian.AppendUint32(b, 65535)
	b = binary.LittleEndian.AppendUint32(b, 1) // Ethernet
	for i, f := range frames {
		for _, v := range []int{i, 0, len(f), len(f)} {
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		}
		b = append(b, f...)
	}
	return b
}

// Capture captures the frames of an interface of the node, in both directions. The function
// that it returns ends the capture and returns the frames.
func (n *Node) Capture(t testing.TB, link string) func() [][]byte {
	t.Helper()
	const all = unix.ETH_P_ALL<<8 | unix.ETH_P_ALL>>8
	fd, index := -1, n.Interface(t, link).Index
	n.In(t, func() (err error) {
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 16<<20) // not permitted in a user namespace
		wait := unix.NsecToTimeval(int64(50 * time.Millisecond))
		return errors.Join(unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait),
			unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all & 0xffff, Ifindex: index}))
	})
	stop, ended := make(chan struct{}), make(chan struct{})
	var frames [][]byte
	go func() {
		defer close(ended)
		defer unix.Close(fd)
		b := make([]byte, 1<<16)
		for {
			if size, _, err := unix.Recvfrom(fd, b, 0); err == nil {
				frames = append(frames, append([]byte(nil), b[:size]...))
				continue
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	return func() [][]byte { close(stop); <-ended; return frames }
}
