package udp

import (
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Message is a received datagram. Addresses have no zone: Ifindex says the same.
type Message struct {
	Src       netip.AddrPort
	Dst       netip.Addr
	Ifindex   int       // the interface it came in by
	HopLimit  int       // as received; -1 if the kernel did not tell
	Received  time.Time // by the kernel, on the wall clock; zero if it did not tell
	Truncated bool      // it was longer than the room that the batch gives
	Payload   []byte
}

// Batch is the memory for receiving datagrams, used again and again.
type Batch struct {
	messages []Message
	headers  []mmsghdr
	iovs     []unix.Iovec
	sources  []unix.RawSockaddrInet6
	controls [][controlLen]byte
	payloads []byte
	size     int
}

// controlLen has room for packet information, hop limit and timestamp with their
// headers, 40+24+32 octets.
const controlLen = 128

// mmsghdr is the kernel's struct of recvmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
	_   [4]byte
}

// NewBatch makes room for n datagrams of at most size octets each; both must be positive.
func NewBatch(n, size int) *Batch {
	b := &Batch{
		messages: make([]Message, n),
		headers:  make([]mmsghdr, n),
		iovs:     make([]unix.Iovec, n),
		sources:  make([]unix.RawSockaddrInet6, n),
		controls: make([][controlLen]byte, n),
		payloads: make([]byte, n*size),
		size:     size,
	}
	for i := range b.headers {
		b.iovs[i].Base = &b.payloads[i*size]
		b.iovs[i].SetLen(size)
		h := &b.headers[i].hdr
		h.Name = (*byte)(unsafe.Pointer(&b.sources[i]))
		h.Iov = &b.iovs[i]
		h.SetIovlen(1)
		h.Control = &b.controls[i][0]
	}
	return b
}

// receive uses a raw system call, which does not lend the goroutine's processor to
// others meanwhile: the call never waits.
func receive(fd int, b *Batch) ([]Message, error) {
	for i := range b.headers {
		h := &b.headers[i].hdr
		h.Namelen = unix.SizeofSockaddrInet6
		h.SetControllen(controlLen)
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.headers[0])),
		uintptr(len(b.headers)), unix.MSG_DONTWAIT, 0, 0)
	switch errno {
	case 0:
	case unix.EAGAIN, unix.EINTR:
		return nil, nil
	default:
		return nil, errno
	}
	for i := range b.messages[:n] {
		b.decode(i)
	}
	return b.messages[:n], nil
}

func (b *Batch) decode(i int) {
	h, sa := &b.headers[i], &b.sources[i]
	port := *(*[2]byte)(unsafe.Pointer(&sa.Port))
	m := &b.messages[i]
	*m = Message{
		Src:       netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(port[0])<<8|uint16(port[1])),
		HopLimit:  -1,
		Truncated: h.hdr.Flags&unix.MSG_TRUNC != 0,
		Payload:   b.payloads[i*b.size : i*b.size+min(int(h.len), b.size)],
	}
	m.control(b.controls[i][:min(uint64(h.hdr.Controllen), controlLen)])
}

// control reads the control messages in c.
func (m *Message) control(c []byte) {
	for len(c) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&c[0]))
		length := int(h.Len)
		if length < unix.CmsgLen(0) || length > len(c) {
			return
		}
		m.controlMessage(h.Level, h.Type, c[unix.CmsgLen(0):length])
		c = c[min(unix.CmsgSpace(length-unix.CmsgLen(0)), len(c)):]
	}
}

func (m *Message) controlMessage(level, kind int32, data []byte) {
	switch {
	case level == unix.IPPROTO_IPV6 && kind == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
		info := (*unix.Inet6Pktinfo)(unsafe.Pointer(&data[0]))
		m.Dst, m.Ifindex = netip.AddrFrom16(info.Addr), int(info.Ifindex)
	case level == unix.IPPROTO_IPV6 && kind == unix.IPV6_HOPLIMIT && len(data) >= 4:
		m.HopLimit = int(*(*int32)(unsafe.Pointer(&data[0])))
	case level == unix.SOL_SOCKET && kind == unix.SO_TIMESTAMPNS && len(data) >= int(unsafe.Sizeof(unix.Timespec{})):
		ts := (*unix.Timespec)(unsafe.Pointer(&data[0]))
		m.Received = time.Unix(ts.Unix())
	}
}
