package mroute

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// MaxInterfaces is how many interfaces a table can hold (MAXMIFS of linux/mroute6.h).
const MaxInterfaces = 32

// AddInterface makes an interface a multicast interface. If it is already in the table, but the
// kernel has dropped it because it vanished, it is added again. The error wraps
// ErrTooManyInterfaces if the table is full.
func (t *Table) AddInterface(ifindex int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if ifindex <= 0 || ifindex > 0xffff {
		// The kernel stores the interface in 16 bits.
		return fmt.Errorf("interface index %d cannot be a multicast interface: not in 1..65535", ifindex)
	}
	if mif, held := t.mif(ifindex); held {
		if err := t.addMIF(mif, ifindex); err != nil && !errors.Is(err, unix.EADDRINUSE) {
			return fmt.Errorf("add interface index %d to the multicast table: %w", ifindex, err)
		}
		return nil
	}
	// The MIF that has been free longest is used first if possible, because a route that still
	// names a MIF would send to its new interface.
	for i := range MaxInterfaces {
		mif := (t.next + i) % MaxInterfaces
		if t.mifs[mif] != 0 {
			continue
		}
		err := t.addMIF(mif, ifindex)
		if errors.Is(err, unix.EADDRINUSE) {
			continue // the MIF is in use by another program
		}
		if err != nil {
			return fmt.Errorf("add interface index %d to the multicast table: %w", ifindex, err)
		}
		t.mifs[mif] = ifindex
		t.next = (mif + 1) % MaxInterfaces
		return nil
	}
	return fmt.Errorf("interface index %d: %w (%d are taken)", ifindex, ErrTooManyInterfaces, MaxInterfaces)
}

// Restore adds again the existing interfaces that the kernel has dropped from the table, and
// returns their number. Their routes work as before.
func (t *Table) Restore() (restored int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var errs []error
	for mif, ifindex := range t.mifs {
		if ifindex == 0 {
			continue
		}
		switch err := t.addMIF(mif, ifindex); {
		case err == nil:
			restored++
		case !errors.Is(err, unix.EADDRINUSE) && !errors.Is(err, unix.EADDRNOTAVAIL): // the interface is in the table already, or no longer exists
			errs = append(errs, fmt.Errorf("add interface index %d to the multicast table: %w", ifindex, err))
		}
	}
	return restored, errors.Join(errs...)
}

func (t *Table) addMIF(mif, ifindex int) error {
	ctl := mif6ctl{mif: uint16(mif), threshold: 1, ifindex: uint16(ifindex)}
	return setsockopt(t.fd, mrt6AddMIF, unsafe.Pointer(&ctl), unsafe.Sizeof(ctl))
}

// DelInterface removes an interface. It is no error if it is not in the table or has vanished.
// Routes that name it are not changed: set or delete them before another interface gets its
// MIF.
func (t *Table) DelInterface(ifindex int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	mif, ok := t.mif(ifindex)
	if !ok {
		return nil
	}
	ctl := mif6ctl{mif: uint16(mif)}
	err := setsockopt(t.fd, mrt6DelMIF, unsafe.Pointer(&ctl.mif), unsafe.Sizeof(ctl.mif))
	if err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
		return fmt.Errorf("remove interface index %d from the multicast table: %w", ifindex, err)
	}
	t.mifs[mif] = 0
	return nil
}

// Sent returns how many packets the kernel wanted to forward out of an interface since it was
// added to the table. They are counted before any firewall. If several processors forward at
// the same time, some may be missing. The error wraps ErrNoInterface if the interface is not in
// the table.
func (t *Table) Sent(ifindex int) (uint64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	mif, ok := t.mif(ifindex)
	if !ok {
		return 0, fmt.Errorf("interface index %d: %w", ifindex, ErrNoInterface)
	}
	r := mifRequest{mif: uint16(mif)}
	err := ioctl(t.fd, siocGetMIFCount, unsafe.Pointer(&r))
	if errors.Is(err, unix.EADDRNOTAVAIL) {
		err = ErrNoInterface
	}
	if err != nil {
		return 0, fmt.Errorf("counters of interface index %d: %w", ifindex, err)
	}
	return uint64(r.outPackets), nil
}

// mif returns the MIF of an interface.
func (t *Table) mif(ifindex int) (int, bool) {
	for mif, held := range t.mifs {
		if held == ifindex && held != 0 {
			return mif, true
		}
	}
	return 0, false
}

// Discard drops packets that arrive on some interfaces of the table and match no route. The
// list replaces the earlier one. Such packets cause no upcall, and the kernel keeps no entry
// for them. Without Discard such an entry would delay the whole stream for 10 s, also on other
// interfaces. Routes are not affected: packets that arrive on an interface other than the
// upstream one are never forwarded.
//
// Discard makes an entry for any source and group (*,*). The kernel uses it for packets that
// arrive on one of its outgoing interfaces, and forwards them to its upstream interface if that
// is an outgoing one, too. Here it is not. If all MIFs are in use, one interface is left out.
func (t *Table) Discard(ifindexes []int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mfc.outgoing = [8]uint32{}
	t.discard = Route{Source: netip.IPv6Unspecified(), Group: netip.IPv6Unspecified()} // ifindexes may share memory with the old entry
	parent := MaxInterfaces - 1
	for mif, ifindex := range slices.Backward(t.mifs[:]) {
		if !slices.Contains(ifindexes, ifindex) || ifindex == 0 {
			parent = mif
		}
	}
	for mif, ifindex := range t.mifs {
		if mif != parent && ifindex != 0 && slices.Contains(ifindexes, ifindex) {
			t.mfc.outgoing[mif/32] |= 1 << (mif % 32)
			t.discard.Outgoing = append(t.discard.Outgoing, ifindex)
		}
	}
	t.discard.Upstream, t.mfc.parent = t.mifs[parent], uint16(parent)
	opt := mrt6AddMFC
	if len(t.discard.Outgoing) == 0 {
		opt = mrt6DelMFC
	}
	err := t.changeMFC(opt, t.discard.Source, t.discard.Group)
	if opt == mrt6DelMFC && errors.Is(err, unix.ENOENT) {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("discard what comes in elsewhere than upstream: %w", err)
	}
	return nil
}

// Discarding returns the latest entry of Discard. Its upstream interface is 0 if that MIF is
// free. If it has no outgoing interfaces, there is no such entry.
func (t *Table) Discarding() Route {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.discard
}
