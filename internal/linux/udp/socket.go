package udp

import (
	"errors"
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/socket"
)

// Config contains the options of a socket.
type Config struct {
	// Local is the address and port to bind. The unspecified or the zero address binds
	// every address. For port zero the kernel chooses one.
	Local netip.AddrPort
	// Device binds the socket to an interface, given by its Linux name. A link-local
	// address can be bound only with a device.
	Device string
	// Share permits another socket that also has Share to bind the same address on another
	// device, or on none.
	Share bool
	// FreeBind permits Local to be an address that the system does not have yet.
	FreeBind bool
	// HopLimit (1..255) and TrafficClass (0..255) are those of sent datagrams. Zero means
	// the system's default.
	HopLimit, TrafficClass int
	// ReceiveBuffer is the size in octets of the kernel's receive queue. It exceeds the
	// system's limit if the process may do so. Zero means the system's default.
	ReceiveBuffer int
}

// OpenError says which step of opening a socket failed. It wraps the errno: EADDRINUSE if
// another program has the port, EADDRNOTAVAIL if the system does not have the address,
// ENODEV if the interface does not exist.
type OpenError struct {
	Step  string
	Local netip.AddrPort
	Err   error
}

func (e *OpenError) Error() string { return fmt.Sprintf("udp %v: %s: %v", e.Local, e.Step, e.Err) }

func (e *OpenError) Unwrap() error { return e.Err }

// Socket is a bound socket whose calls never block. Only one goroutine may use it.
type Socket struct {
	fd    int
	local netip.AddrPort
	out   outgoing
}

// Open opens and binds a socket in the network namespace of the calling thread. The
// error is an *OpenError.
func Open(c Config) (*Socket, error) {
	addr := c.Local.Addr()
	if !addr.IsValid() {
		addr = netip.IPv6Unspecified()
	}
	fail := func(step string, err error) error {
		return &OpenError{step, netip.AddrPortFrom(addr, c.Local.Port()), err}
	}
	if !addr.Is6() || addr.Is4In6() {
		return nil, fail("bind", unix.EAFNOSUPPORT)
	}
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_UDP)
	if err != nil {
		return nil, fail("socket", err)
	}
	if step, err := c.apply(fd); err != nil {
		return nil, errors.Join(fail(step, err), unix.Close(fd))
	}
	if err := unix.Bind(fd, &unix.SockaddrInet6{Addr: addr.As16(), Port: int(c.Local.Port())}); err != nil {
		return nil, errors.Join(fail("bind", err), unix.Close(fd))
	}
	s := &Socket{fd: fd, local: netip.AddrPortFrom(addr, c.Local.Port())}
	if bound, err := unix.Getsockname(fd); err == nil {
		if sa, ok := bound.(*unix.SockaddrInet6); ok {
			s.local = netip.AddrPortFrom(addr, uint16(sa.Port))
		}
	}
	s.out.init()
	return s, nil
}

// apply sets the options of a socket before it is bound. If it fails, it returns the name
// of the step.
func (c Config) apply(fd int) (step string, err error) {
	for _, o := range []struct {
		step              string
		on                bool
		level, opt, value int
	}{
		{"IPV6_V6ONLY", true, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1},
		{"IPV6_RECVPKTINFO", true, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1},
		{"IPV6_RECVHOPLIMIT", true, unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT, 1},
		{"SO_TIMESTAMPNS", true, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1},
		{"SO_REUSEADDR", c.Share, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1},
		{"IPV6_FREEBIND", c.FreeBind, unix.IPPROTO_IPV6, unix.IPV6_FREEBIND, 1},
		{"IPV6_UNICAST_HOPS", c.HopLimit != 0, unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, c.HopLimit},
		{"IPV6_TCLASS", c.TrafficClass != 0, unix.IPPROTO_IPV6, unix.IPV6_TCLASS, c.TrafficClass},
	} {
		if !o.on {
			continue
		}
		if err := unix.SetsockoptInt(fd, o.level, o.opt, o.value); err != nil {
			return o.step, err
		}
	}
	if c.ReceiveBuffer != 0 {
		if err := socket.SetReceiveBuffer(fd, c.ReceiveBuffer); err != nil {
			return "SO_RCVBUF", err
		}
	}
	if c.Device != "" {
		if err := unix.BindToDevice(fd, c.Device); err != nil {
			return "SO_BINDTODEVICE " + c.Device, err
		}
	}
	return "", nil
}

// Share permits, on an open socket, what Config.Share permits at opening.
func (s *Socket) Share() error {
	return unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
}

// FD returns the descriptor, for poll.
func (s *Socket) FD() int { return s.fd }

// Close closes the socket.
func (s *Socket) Close() error { return unix.Close(s.fd) }

// Receive receives queued datagrams into b, at most as many as it has room for. If none is
// queued, it returns none and no error. The messages are valid until b is used again.
func (s *Socket) Receive(b *Batch) ([]Message, error) { return receive(s.fd, b) }

// Send sends payload to dst. A valid src becomes the source address. An ifindex other than
// zero becomes the outgoing interface. Otherwise the kernel chooses. The error is an errno
// of the kernel. If the send queue is full, it is EAGAIN and the datagram is lost.
func (s *Socket) Send(src netip.Addr, dst netip.AddrPort, ifindex int, payload []byte) error {
	return s.out.send(s.fd, src, dst, ifindex, payload)
}

// outgoing is the memory for a sendmsg call. It is a field of the socket so that Send
// does not allocate. It contains pointers to itself and must not be copied after init.
type outgoing struct {
	hdr     unix.Msghdr
	iov     unix.Iovec
	control [64]byte
	dst     unix.RawSockaddrInet6
}

func (o *outgoing) init() {
	o.hdr.Name, o.hdr.Namelen = (*byte)(unsafe.Pointer(&o.dst)), unix.SizeofSockaddrInet6
	o.hdr.Iov = &o.iov
	o.hdr.SetIovlen(1)
	o.dst.Family = unix.AF_INET6
}

func (o *outgoing) send(fd int, src netip.Addr, dst netip.AddrPort, ifindex int, payload []byte) error {
	if len(payload) == 0 {
		return unix.EINVAL
	}
	o.dst.Addr = dst.Addr().As16()
	*(*[2]byte)(unsafe.Pointer(&o.dst.Port)) = [2]byte{byte(dst.Port() >> 8), byte(dst.Port())}
	o.iov.Base = &payload[0]
	o.iov.SetLen(len(payload))
	o.hdr.Control, o.hdr.Controllen = nil, 0
	if src.IsValid() || ifindex != 0 {
		control := socket.AppendPacketInfo(o.control[:0], ifindex, src)
		o.hdr.Control = &o.control[0]
		o.hdr.SetControllen(len(control))
	}
	_, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&o.hdr)), unix.MSG_DONTWAIT)
	o.iov.Base = nil
	if errno != 0 {
		return errno
	}
	return nil
}
