package packet

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// BatchSize is the most messages that one Read returns.
	BatchSize = 64
	// MaxMessage is the longest message that is received, in bytes. It is more
	// than a jumbo frame holds; MLD never needs fragments.
	MaxMessage = 9216

	// maxControl holds packet info, hop limit, hop-by-hop options and the
	// overrun count. Options longer than Router Alert are cut off, and with
	// them the message counts as malformed.
	maxControl = 256
)

// Message is a received MLD message.
type Message struct {
	Ifindex  int
	Src, Dst netip.Addr // without zone
	HopLimit int
	// RouterAlert says that the packet had a Router Alert option for MLD in a
	// hop-by-hop header (RFC 2711).
	RouterAlert bool
	// Payload is the ICMPv6 message from its type on. It is valid until the next Read.
	Payload []byte
}

// reader is the memory of recvmmsg, made once.
type reader struct {
	count    *counters
	headers  [BatchSize]mmsghdr
	iovecs   [BatchSize]unix.Iovec
	names    [BatchSize]unix.RawSockaddrInet6
	controls [BatchSize]control
	data     []byte

	// Kept here so that the function given to the poller is made once.
	want, got int
	errno     unix.Errno
	receive   func(fd uintptr) bool
	overrun   uint32 // the kernel's count at the last message
}

// control is room for ancillary data, aligned as its heads must be.
type control struct {
	_    [0]unix.Cmsghdr
	data [maxControl]byte
}

// mmsghdr is struct mmsghdr.
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
}

func (r *reader) init(count *counters) {
	r.count = count
	r.data = make([]byte, BatchSize*MaxMessage)
	for i := range r.headers {
		r.iovecs[i].Base = &r.data[i*MaxMessage]
		r.iovecs[i].SetLen(MaxMessage)
		h := &r.headers[i].hdr
		h.Name = (*byte)(unsafe.Pointer(&r.names[i]))
		h.Iov = &r.iovecs[i]
		h.SetIovlen(1)
		h.Control = &r.controls[i].data[0]
	}
	r.receive = r.recvmmsg
}

// recvmmsg receives up to r.want messages without waiting; it returns false to be called
// again when there are some.
func (r *reader) recvmmsg(fd uintptr) bool {
	for i := range r.headers[:r.want] {
		h := &r.headers[i].hdr
		h.Namelen = unix.SizeofSockaddrInet6
		h.SetControllen(maxControl)
		h.Flags = 0
	}
	for {
		n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&r.headers[0])), uintptr(r.want),
			unix.MSG_DONTWAIT, 0, 0)
		r.got, r.errno = int(n), errno
		if errno != unix.EINTR {
			return errno != unix.EAGAIN
		}
	}
}

// Read waits for messages and fills the batch with those that are there, at
// most BatchSize; it returns how many, which is at least one without an error.
// It allocates nothing. After Close it returns net.ErrClosed.
func (c *Conn) Read(batch []Message) (int, error) {
	r := &c.reads
	r.want = min(len(batch), BatchSize)
	for {
		if err := c.raw.Read(r.receive); err != nil {
			return 0, c.ioError(err)
		}
		if r.errno != 0 {
			return 0, fmt.Errorf("receive MLD messages: %w", r.errno)
		}
		n := 0
		for i := range r.got {
			if r.decode(i, &batch[n]) {
				n++
			}
		}
		if n > 0 || r.want == 0 {
			r.count.received.Add(uint64(n))
			return n, nil
		}
	}
}

// decode turns the i-th received message into m, or counts why not.
func (r *reader) decode(i int, m *Message) bool {
	h := &r.headers[i]
	*m = Message{
		Src:     netip.AddrFrom16(r.names[i].Addr),
		Payload: r.data[i*MaxMessage:][:min(h.len, MaxMessage)],
	}
	complete := r.ancillary(r.controls[i].data[:h.hdr.Controllen], m)
	switch {
	case h.hdr.Flags&unix.MSG_TRUNC != 0:
		r.count.truncated.Add(1)
		return false
	case h.hdr.Flags&unix.MSG_CTRUNC != 0, !complete:
		r.count.malformed.Add(1)
		return false
	}
	return true
}

// ancillary reads what the kernel says about a message and returns whether all
// that must be said was.
func (r *reader) ancillary(b []byte, m *Message) bool {
	var info, hops bool
	for len(b) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
		if h.Len < unix.SizeofCmsghdr || uint64(h.Len) > uint64(len(b)) {
			return false
		}
		data := b[unix.CmsgLen(0):h.Len]
		switch {
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			m.Dst = netip.AddrFrom16([16]byte(data[:16]))
			m.Ifindex = int(binary.NativeEndian.Uint32(data[16:]))
			info = true
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_HOPLIMIT && len(data) >= 4:
			m.HopLimit = int(int32(binary.NativeEndian.Uint32(data)))
			hops = true
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_HOPOPTS:
			m.RouterAlert = hasRouterAlert(data)
		case h.Level == unix.SOL_SOCKET && h.Type == unix.SO_RXQ_OVFL && len(data) >= 4:
			// The kernel's count has 32 bits; its growth is what counts.
			n := binary.NativeEndian.Uint32(data)
			r.count.overrun.Add(uint64(n - r.overrun))
			r.overrun = n
		}
		b = b[min(unix.CmsgSpace(len(data)), len(b)):]
	}
	return info && hops
}

// Hop-by-hop options (RFC 8200 section 4.2, RFC 2711 section 2.1).
const (
	optPad1        = 0
	optRouterAlert = 5
)

// hasRouterAlert looks for the Router Alert option with value 0, "datagram
// contains an MLD message", in a hop-by-hop header.
func hasRouterAlert(b []byte) bool {
	if len(b) < 2 {
		return false
	}
	b = b[2:] // next header and length
	for len(b) >= 2 {
		if b[0] == optPad1 {
			b = b[1:]
			continue
		}
		size := 2 + int(b[1])
		if size > len(b) {
			return false
		}
		if b[0] == optRouterAlert && size == 4 && b[2] == 0 && b[3] == 0 {
			return true
		}
		b = b[size:]
	}
	return false
}
