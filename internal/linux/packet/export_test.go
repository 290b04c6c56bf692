package packet

import "golang.org/x/sys/unix"

const (
	// WantedReceiveBuffer is the size that Open asks for.
	WantedReceiveBuffer = receiveBuffer
	// MaxMessage is the longest message that is received.
	MaxMessage = maxMessage
)

// What can be wrong with a packet.
var (
	ErrTooLong  = errTooLong
	ErrLength   = errLength
	ErrHopByHop = errHopByHop
	ErrChecksum = errChecksum
)

// ReceiveBuffer returns the size in bytes of the receive buffer that the kernel granted.
// The kernel counts its overhead too, which takes half of it.
func (c *Conn) ReceiveBuffer() (size int, err error) {
	err = c.control(c.raw, func(fd int) (err error) {
		size, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
		return err
	})
	return size, err
}

// SetReceiveBuffer sets how many bytes the kernel queues.
func (c *Conn) SetReceiveBuffer(size int) error {
	return c.control(c.raw, func(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, size) })
}
