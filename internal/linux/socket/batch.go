package socket

import (
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Datagram is a datagram received from an IPv6 socket, or from a packet socket without
// link-layer headers (packet(7), SOCK_DGRAM). Addresses have no zone, because Ifindex tells
// the interface. A field stays unset if no option of the socket asks the kernel for it.
type Datagram struct {
	// Src has port 0 if the socket is a raw socket. It is invalid if the socket is a packet
	// socket: then the payload begins with the network header.
	Src      netip.AddrPort
	Dst      netip.Addr // the zero Addr if the kernel did not report it
	Ifindex  int        // the interface on which the datagram came in; 0 if the kernel did not report it
	HopLimit int        // hop limit of the received datagram; -1 if the kernel did not report it
	Received time.Time  // when the kernel received it, by the wall clock; zero if the kernel did not report it
	// HopOptions is the hop-by-hop header, nil if there was none.
	HopOptions []byte
	// Overrun is the number of datagrams, modulo 2^32, that the kernel had dropped for
	// lack of buffer space when it queued this one. It is also 0 if the kernel did not
	// report it.
	Overrun uint32
	// ChecksumPending means, on a packet socket, that the checksum is not filled in. The
	// sender is on this machine and has left the checksum to a network card, which the
	// packet never reached (TP_STATUS_CSUMNOTREADY).
	ChecksumPending bool
	// Unicast means, on a packet socket of an Ethernet interface, that the frame was sent
	// to the hardware address of this machine (PACKET_HOST).
	Unicast bool
	// Truncated means that the datagram was longer than its place in the batch.
	// ControlTruncated means the same of its control messages.
	Truncated, ControlTruncated bool
	Payload                     []byte
}

// Batch is memory for received datagrams that is used again for each Receive.
type Batch struct {
	datagrams         []Datagram
	headers           []mmsghdr
	iovecs            []unix.Iovec
	sources           []unix.RawSockaddrInet6
	controls          []byte
	payloads          []byte
	size, controlSize int
}

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
}

// NewBatch makes room for n datagrams of at most size bytes each, with at most controlSize
// bytes of control messages each. All three must be positive.
func NewBatch(n, size, controlSize int) *Batch {
	b := &Batch{
		datagrams:   make([]Datagram, n),
		headers:     make([]mmsghdr, n),
		iovecs:      make([]unix.Iovec, n),
		sources:     make([]unix.RawSockaddrInet6, n),
		controls:    make([]byte, n*controlSize),
		payloads:    make([]byte, n*size),
		size:        size,
		controlSize: controlSize,
	}
	for i := range b.headers {
		b.iovecs[i].Base = &b.payloads[i*size]
		b.iovecs[i].SetLen(size)
		h := &b.headers[i].hdr
		h.Name = (*byte)(unsafe.Pointer(&b.sources[i]))
		h.Iov = &b.iovecs[i]
		h.SetIovlen(1)
		h.Control = &b.controls[i*controlSize]
	}
	return b
}

// Receive receives queued datagrams: at most most, and at most as many as the batch has
// room for. If none is queued, it returns none and no error. The datagrams are valid
// until the batch is used again.
//
// The system call never waits. So Receive makes it without informing the Go scheduler,
// which would otherwise give the goroutine's processor to other goroutines.
func (b *Batch) Receive(fd, most int) ([]Datagram, error) {
	headers := b.headers[:min(most, len(b.headers))]
	if len(headers) == 0 {
		return nil, nil
	}
	for i := range headers {
		h := &headers[i].hdr
		h.Namelen = unix.SizeofSockaddrInet6
		h.SetControllen(b.controlSize)
	}
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&headers[0])),
			uintptr(len(headers)), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
		case unix.EAGAIN:
			return nil, nil
		case unix.EINTR:
			continue
		default:
			return nil, errno
		}
		for i := range b.datagrams[:n] {
			b.decode(i)
		}
		return b.datagrams[:n], nil
	}
}

func (b *Batch) decode(i int) {
	h := &b.headers[i]
	d := &b.datagrams[i]
	*d = Datagram{
		HopLimit:         -1,
		Truncated:        h.hdr.Flags&unix.MSG_TRUNC != 0,
		ControlTruncated: h.hdr.Flags&unix.MSG_CTRUNC != 0,
		Payload:          b.payloads[i*b.size:][:min(int(h.len), b.size)],
	}
	d.readSource(&b.sources[i])
	d.readControl(b.controls[i*b.controlSize:][:min(int(h.hdr.Controllen), b.controlSize)])
}

// readSource decodes the source address, which has one of two address families.
func (d *Datagram) readSource(from *unix.RawSockaddrInet6) {
	if from.Family == unix.AF_PACKET {
		link := (*unix.RawSockaddrLinklayer)(unsafe.Pointer(from)) // struct sockaddr_ll is shorter than from, so it fits in
		d.Ifindex = int(link.Ifindex)
		d.Unicast = link.Hatype == unix.ARPHRD_ETHER && link.Pkttype == unix.PACKET_HOST
		return
	}
	port := *(*[2]byte)(unsafe.Pointer(&from.Port))
	d.Src = netip.AddrPortFrom(netip.AddrFrom16(from.Addr), uint16(port[0])<<8|uint16(port[1]))
}
