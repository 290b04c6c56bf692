package mroute

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Socket options of linux/mroute6.h, which x/sys does not have.
const (
	mrt6Init   = 200
	mrt6AddMIF = 202
	mrt6DelMIF = 203
	mrt6AddMFC = 204
	mrt6DelMFC = 205
	mrt6Assert = 207
	mrt6Table  = 209
	mrt6Flush  = 212

	// Each flag together with its _STATIC, which concerns entries that other programs
	// have made.
	flushMFC  = 1 | 2 // MRT6_FLUSH_MFC
	flushMIFs = 4 | 8 // MRT6_FLUSH_MIFS

	siocGetMIFCount = 0x89e0     // SIOCGETMIFCNT_IN6
	siocGetSGCount  = 0x89e0 + 1 // SIOCGETSGCNT_IN6

	sizeofUpcall = 40
)

// mif6ctl is struct mif6ctl.
type mif6ctl struct {
	mif       uint16
	flags     uint8
	threshold uint8
	ifindex   uint16
	_         uint16
	rate      uint32
}

// mf6cctl is struct mf6cctl.
type mf6cctl struct {
	origin, group unix.RawSockaddrInet6
	parent        uint16
	_             uint16
	outgoing      [8]uint32 // one bit for each MIF
}

// sgRequest is struct sioc_sg_req6.
type sgRequest struct {
	source, group           unix.RawSockaddrInet6
	packets, bytes, wrongIf uint // unsigned long
}

// mifRequest is struct sioc_mif_req6.
type mifRequest struct {
	mif                                      uint16
	inPackets, outPackets, inBytes, outBytes uint // unsigned long
}

func setAddr(sa *unix.RawSockaddrInet6, a netip.Addr) {
	sa.Family, sa.Addr = unix.AF_INET6, a.As16()
}

func setsockopt(fd, opt int, p unsafe.Pointer, size uintptr) error {
	_, _, errno := unix.Syscall6(unix.SYS_SETSOCKOPT, uintptr(fd), unix.IPPROTO_IPV6, uintptr(opt), uintptr(p), size, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

func ioctl(fd int, request uint, p unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(p)); errno != 0 {
		return errno
	}
	return nil
}
