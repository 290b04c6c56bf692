package mroute

import (
	"errors"
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Route is an (S,G) entry: packets from Source to Group that arrive on Upstream are sent out of
// all Outgoing interfaces. Interfaces are given by their indexes.
type Route struct {
	Source, Group netip.Addr
	Upstream      int
	Outgoing      []int
}

// Counters are the kernel's counters of one entry since it was made. Setting the entry again
// keeps them.
type Counters struct {
	Packets, Bytes uint64
	WrongIf        uint64 // packets that came in on another interface than Upstream
}

// Set makes or changes an entry. All its interfaces must be in the table; otherwise the error
// wraps ErrNoInterface. Set does not allocate.
func (t *Table) Set(r Route) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := checkSG(r.Source, r.Group); err != nil {
		return err
	}
	parent, ok := t.mif(r.Upstream)
	if !ok {
		return fmt.Errorf("upstream interface index %d: %w", r.Upstream, ErrNoInterface)
	}
	t.mfc.parent = uint16(parent)
	t.mfc.outgoing = [8]uint32{}
	for _, ifindex := range r.Outgoing {
		mif, ok := t.mif(ifindex)
		if !ok {
			return fmt.Errorf("outgoing interface index %d: %w", ifindex, ErrNoInterface)
		}
		t.mfc.outgoing[mif/32] |= 1 << (mif % 32)
	}
	if err := t.changeMFC(mrt6AddMFC, r.Source, r.Group); err != nil {
		return fmt.Errorf("set route (%s, %s): %w", r.Source, r.Group, err)
	}
	return nil
}

// Delete removes an entry, whichever program has made it. If there is none, the error
// wraps ErrNoRoute. Unspecified addresses denote a (*,G) or (*,*) entry.
func (t *Table) Delete(source, group netip.Addr) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !source.Is6() || !group.Is6() {
		return fmt.Errorf("(%s, %s) is not of IPv6", source, group)
	}
	err := t.changeMFC(mrt6DelMFC, source, group)
	if errors.Is(err, unix.ENOENT) {
		err = ErrNoRoute
	}
	if err != nil {
		return fmt.Errorf("delete route (%s, %s): %w", source, group, err)
	}
	return nil
}

// Forget makes the kernel drop the packets of a stream that wait for Set. The next packet
// causes an upcall again. Forget must be called only for a stream without an entry, because it
// would remove that.
func (t *Table) Forget(source, group netip.Addr) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := checkSG(source, group); err != nil {
		return err
	}
	// Only setting an entry removes the waiting packets, so Forget sets one and deletes
	// it.
	t.mfc.parent, t.mfc.outgoing = 0, [8]uint32{}
	err := t.changeMFC(mrt6AddMFC, source, group)
	if err == nil {
		err = t.changeMFC(mrt6DelMFC, source, group)
	}
	if err != nil {
		return fmt.Errorf("forget (%s, %s): %w", source, group, err)
	}
	return nil
}

// Counters returns the kernel's counters of an entry. If there is none, the error wraps
// ErrNoRoute.
func (t *Table) Counters(source, group netip.Addr) (Counters, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := checkSG(source, group); err != nil {
		return Counters{}, err
	}
	t.sg = sgRequest{}
	setAddr(&t.sg.source, source)
	setAddr(&t.sg.group, group)
	err := ioctl(t.fd, siocGetSGCount, unsafe.Pointer(&t.sg))
	if errors.Is(err, unix.EADDRNOTAVAIL) {
		err = ErrNoRoute
	}
	if err != nil {
		return Counters{}, fmt.Errorf("counters of (%s, %s): %w", source, group, err)
	}
	return Counters{Packets: uint64(t.sg.packets), Bytes: uint64(t.sg.bytes), WrongIf: uint64(t.sg.wrongIf)}, nil
}

func (t *Table) changeMFC(opt int, source, group netip.Addr) error {
	setAddr(&t.mfc.origin, source)
	setAddr(&t.mfc.group, group)
	return setsockopt(t.fd, opt, unsafe.Pointer(&t.mfc), unsafe.Sizeof(t.mfc))
}

// checkSG returns an error if the addresses are not an (S,G).
func checkSG(source, group netip.Addr) error {
	if !source.Is6() || source.Is4In6() || source.IsUnspecified() || source.IsMulticast() {
		return fmt.Errorf("%s is not an IPv6 source address", source)
	}
	if !group.Is6() || !group.IsMulticast() {
		return fmt.Errorf("%s is not an IPv6 group address", group)
	}
	return nil
}
