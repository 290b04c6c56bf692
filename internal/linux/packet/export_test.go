package packet

import "golang.org/x/sys/unix"

// WantedReceiveBuffer is the size that is asked for.
const WantedReceiveBuffer = receiveBuffer

// ReceiveBuffer is the size of the receive buffer in bytes that the kernel
// granted, by its own reckoning: half of it is for overhead.
func (c *Conn) ReceiveBuffer() (size int, err error) {
	err = c.control(c.raw, func(fd int) (err error) {
		size, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
		return err
	})
	return size, err
}
