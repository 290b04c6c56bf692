package socket

import (
	"encoding/binary"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// readControl reads the control messages of a datagram. It stops at the first one that is
// cut short.
func (d *Datagram) readControl(b []byte) {
	for len(b) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
		if h.Len < unix.SizeofCmsghdr || uint64(h.Len) > uint64(len(b)) {
			return
		}
		data := b[unix.CmsgLen(0):h.Len]
		switch h.Level {
		case unix.IPPROTO_IPV6:
			d.readIPv6(h.Type, data)
		case unix.SOL_SOCKET:
			d.readSocket(h.Type, data)
		case unix.SOL_PACKET:
			d.readPacket(h.Type, data)
		}
		b = b[min(unix.CmsgSpace(len(data)), len(b)):]
	}
}

func (d *Datagram) readIPv6(typ int32, data []byte) {
	switch {
	case typ == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
		d.Dst = netip.AddrFrom16([16]byte(data[:16]))
		d.Ifindex = int(binary.NativeEndian.Uint32(data[16:]))
	case typ == unix.IPV6_HOPLIMIT && len(data) >= 4:
		d.HopLimit = int(int32(binary.NativeEndian.Uint32(data)))
	case typ == unix.IPV6_HOPOPTS:
		d.HopOptions = data
	}
}

func (d *Datagram) readSocket(typ int32, data []byte) {
	switch {
	case typ == unix.SO_RXQ_OVFL && len(data) >= 4:
		d.Overrun = binary.NativeEndian.Uint32(data)
	case typ == unix.SO_TIMESTAMPNS && len(data) >= int(unsafe.Sizeof(unix.Timespec{})):
		at := (*unix.Timespec)(unsafe.Pointer(&data[0]))
		d.Received = time.Unix(at.Unix())
	}
}

// readPacket reads struct tpacket_auxdata, which begins with the status.
func (d *Datagram) readPacket(typ int32, data []byte) {
	if typ == unix.PACKET_AUXDATA && len(data) >= 4 {
		d.ChecksumPending = binary.NativeEndian.Uint32(data)&unix.TP_STATUS_CSUMNOTREADY != 0
	}
}

// AppendPacketInfo appends the control message that sets the outgoing interface and the
// source address of a datagram (IPV6_PKTINFO, RFC 3542 section 6). For index 0 or the zero
// Addr the kernel chooses.
func AppendPacketInfo(b []byte, ifindex int, src netip.Addr) []byte {
	var info [unix.SizeofInet6Pktinfo]byte
	if src.IsValid() {
		a := src.As16()
		copy(info[:], a[:])
	}
	binary.NativeEndian.PutUint32(info[16:], uint32(ifindex))
	return AppendControl(b, unix.IPV6_PKTINFO, info[:])
}

// AppendControl adds a control message of level IPPROTO_IPV6.
func AppendControl(b []byte, typ int32, data []byte) []byte {
	var space [unix.SizeofCmsghdr]byte
	h := (*unix.Cmsghdr)(unsafe.Pointer(&space[0]))
	h.Level, h.Type = unix.IPPROTO_IPV6, typ
	h.SetLen(unix.CmsgLen(len(data)))
	end := len(b) + unix.CmsgSpace(len(data))
	b = append(append(b, space[:]...), data...)
	for len(b) < end {
		b = append(b, 0)
	}
	return b
}
