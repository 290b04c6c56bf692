package testnet

import (
	"net/netip"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Meddler is another program that changes a multicast forwarding table which it does not
// own. The kernel permits this to any program with the capability.
type Meddler struct {
	t  testing.TB
	fd int
}

// Meddler starts a meddler in the node.
func (n *Node) Meddler(t testing.TB) *Meddler {
	t.Helper()
	m := &Meddler{t: t}
	n.In(t, func() (err error) {
		m.fd, err = unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMPV6)
		return err
	})
	t.Cleanup(func() { unix.Close(m.fd) })
	return m
}

// Set makes or changes an entry. MIFs are given by number. An unspecified source makes a
// (*,G) entry.
func (m *Meddler) Set(source, group netip.Addr, parent int, outgoing ...int) {
	m.t.Helper()
	const addMFC = 204
	m.changeMFC(addMFC, source, group, parent, outgoing)
}

// Delete removes an entry.
func (m *Meddler) Delete(source, group netip.Addr) {
	m.t.Helper()
	const delMFC = 205
	m.changeMFC(delMFC, source, group, 0, nil)
}

func (m *Meddler) changeMFC(opt int, source, group netip.Addr, parent int, outgoing []int) {
	m.t.Helper()
	ctl := struct { // struct mf6cctl
		origin, group unix.RawSockaddrInet6
		parent, _     uint16
		outgoing      [8]uint32
	}{parent: uint16(parent)}
	ctl.origin.Family, ctl.group.Family = unix.AF_INET6, unix.AF_INET6
	ctl.origin.Addr, ctl.group.Addr = source.As16(), group.As16()
	for _, mif := range outgoing {
		ctl.outgoing[mif/32] |= 1 << (mif % 32)
	}
	m.set(opt, unsafe.Pointer(&ctl), unsafe.Sizeof(ctl))
}

// AddMIF makes an interface, given by its index, the MIF with a number.
func (m *Meddler) AddMIF(mif, ifindex int) {
	m.t.Helper()
	const addMIF = 202
	ctl := struct { // struct mif6ctl
		mif       uint16
		flags     uint8
		threshold uint8
		ifindex   uint16
		_         uint16
		rate      uint32
	}{mif: uint16(mif), threshold: 1, ifindex: uint16(ifindex)}
	m.set(addMIF, unsafe.Pointer(&ctl), unsafe.Sizeof(ctl))
}

// DeleteMIF removes a MIF from the table.
func (m *Meddler) DeleteMIF(mif int) {
	m.t.Helper()
	const delMIF = 203
	number := uint16(mif)
	m.set(delMIF, unsafe.Pointer(&number), unsafe.Sizeof(number))
}

// Flush removes all entries.
func (m *Meddler) Flush() {
	m.t.Helper()
	const flush, entries = 212, 1 | 2
	which := int32(entries)
	m.set(flush, unsafe.Pointer(&which), unsafe.Sizeof(which))
}

func (m *Meddler) set(opt int, value unsafe.Pointer, size uintptr) {
	m.t.Helper()
	_, _, errno := unix.Syscall6(unix.SYS_SETSOCKOPT, uintptr(m.fd), unix.IPPROTO_IPV6, uintptr(opt), uintptr(value), size, 0)
	if errno != 0 {
		m.t.Fatalf("another program changes the multicast forwarding table, option %d: %v", opt, errno)
	}
}
