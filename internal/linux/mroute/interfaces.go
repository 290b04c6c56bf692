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

// AddInterface makes an interface a multicast interface. One that is in the
// table already is added again if the kernel had dropped it because it
// vanished. The error wraps ErrTooManyInterfaces when the table is full.
func (t *Table) AddInterface(ifindex int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if ifindex <= 0 || ifindex > 0xffff {
		// The kernel's interface for it has 16 bits.
		return fmt.Errorf("interface index %d cannot be a multicast interface: not in 1..65535", ifindex)
	}
	if mif, held := t.mif(ifindex); held {
		if err := t.addMIF(mif, ifindex); err != nil && !errors.Is(err, unix.EADDRINUSE) {
			return fmt.Errorf("add interface index %d to the multicast table: %w", ifindex, err)
		}
		return nil
	}
	// The place that was given back longest ago comes first as far as possible: a
	// route that still names it would send to the new interface.
	for i := range MaxInterfaces {
		mif := (t.next + i) % MaxInterfaces
		if t.mifs[mif] != 0 {
			continue
		}
		err := t.addMIF(mif, ifindex)
		if errors.Is(err, unix.EADDRINUSE) {
			continue // by another program
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

// Restore adds the interfaces again that are no longer in the kernel's table
// though they exist, and says how many there were. Their routes work as before.
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
		case !errors.Is(err, unix.EADDRINUSE) && !errors.Is(err, unix.EADDRNOTAVAIL): // it is there, or has vanished
			errs = append(errs, fmt.Errorf("add interface index %d to the multicast table: %w", ifindex, err))
		}
	}
	return restored, errors.Join(errs...)
}

func (t *Table) addMIF(mif, ifindex int) error {
	ctl := mif6ctl{mif: uint16(mif), threshold: 1, ifindex: uint16(ifindex)}
	return setsockopt(t.fd, mrt6AddMIF, unsafe.Pointer(&ctl), unsafe.Sizeof(ctl))
}

// DelInterface takes an interface out; that it is not in the table, or has
// vanished, is no error. Routes that name it are not changed: set them anew or
// delete them before its place in the table is given to another interface.
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

// Sent counts the packets that the kernel was to forward out of an interface since it is in the
// table, before it asked any firewall. Of packets that several processors forward at once
// it may miss some. The error wraps ErrNoInterface when the interface is not there.
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

// mif finds the MIF of an interface.
func (t *Table) mif(ifindex int) (int, bool) {
	for mif, held := range t.mifs {
		if held == ifindex && held != 0 {
			return mif, true
		}
	}
	return 0, false
}

// Discard has packets thrown away that come in on some interfaces of the table and that no
// route matches, in place of those that it was told before. There is no upcall for them, and
// the kernel keeps nothing of them: without Discard it would hold up the whole stream for
// 10 s, also where it comes in on another interface. A route is not affected: packets that
// come in elsewhere than on its upstream interface are never forwarded.
//
// This is an entry for any source and group (*,*). The kernel takes it for packets that come in
// on one of its outgoing interfaces, and sends them to its upstream interface, if that is
// one of its outgoing ones, too; here it is not. Of a table whose places are all taken,
// one interface is left out.
func (t *Table) Discard(ifindexes []int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mfc.outgoing = [8]uint32{}
	t.discard = Route{Source: netip.IPv6Unspecified(), Group: netip.IPv6Unspecified()} // ifindexes may be the old one's
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

// Discarding returns the entry that Discard has made last. Its upstream interface is 0 where
// that is a place in the table which is free. There is none without outgoing interfaces.
func (t *Table) Discarding() Route {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.discard
}
