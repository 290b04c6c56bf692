package mroute

import "golang.org/x/sys/unix"

// HasInterface says whether an interface is in the table.
func (t *Table) HasInterface(ifindex int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.mif(ifindex)
	return ok
}

// ReportWrongInterface switches upcalls of kind WrongInterface on or off. There is at most one
// in 3 s for an entry. They are off at first.
func (t *Table) ReportWrongInterface(on bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	v := 0
	if on {
		v = 1
	}
	return unix.SetsockoptInt(t.fd, unix.IPPROTO_IPV6, mrt6Assert, v)
}
