package arrivals

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Watch starts counting the packets that arrive on an interface. It does nothing if the
// interface is already watched. The first interface must be in the network namespace in
// which Open was called. All later interfaces must be in the namespace of the calling
// thread.
func (o *Observer) Watch(ifindex int) error {
	if _, watched := o.sockets[ifindex]; watched {
		return nil
	}
	if len(o.spare) == 0 {
		fd, err := o.socket()
		if err != nil {
			return err
		}
		o.spare = append(o.spare, fd)
	}
	fd := o.spare[len(o.spare)-1]
	if err := bind(fd, ifindex); err != nil {
		return fmt.Errorf("packet socket on interface index %d: %w", ifindex, err)
	}
	o.spare = o.spare[:len(o.spare)-1]
	o.sockets[ifindex] = fd
	return nil
}

// Unwatch ends the counting on an interface. Call it also for an interface that was
// deleted, before another interface can get its index.
func (o *Observer) Unwatch(ifindex int) {
	fd, watched := o.sockets[ifindex]
	if !watched {
		return
	}
	delete(o.sockets, ifindex)
	// The socket stays in its namespace and is kept for another interface. Until then it
	// is bound to the loopback interface, where no stream arrives.
	if bind(fd, loopback) == nil {
		o.spare = append(o.spare, fd)
	} else {
		unix.Close(fd)
	}
}

// socket opens a packet socket with the program as its filter.
func (o *Observer) socket() (int, error) {
	// With protocol 0 the socket receives nothing until it is bound to an interface, so
	// the filter is attached before the first packet.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("packet socket: %w", err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ATTACH_BPF, o.program.FD()); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("attach the program: %w", err)
	}
	return fd, nil
}

// bind binds a socket to an interface, so that the socket's filter sees the packets that
// arrive there.
func bind(fd, ifindex int) error {
	return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_IPV6), Ifindex: ifindex})
}

// htons puts a protocol number into network byte order.
func htons(v uint16) uint16 { return v<<8 | v>>8 }
