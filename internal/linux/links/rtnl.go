// Package links lists, watches and changes network interfaces over rtnetlink.
//
// A Handle changes interfaces and answers questions. A Monitor reports changes of links and
// addresses. Each works in one namespace.
//
// The package encodes and decodes the messages itself, without a general rtnetlink library.
// It reads the few attributes that it needs and ignores all others. So attributes that a
// newer kernel adds are not an error.
package links

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
)

// ErrNotFound says that there is no interface of that name.
var ErrNotFound = errors.New("no such interface")

// Handle is a connection to the kernel's rtnetlink in one namespace. It may be
// used by several goroutines.
type Handle struct {
	mu   sync.Mutex
	conn *netlink.Conn
}

// Open makes a handle for the namespace of the calling thread.
func Open() (*Handle, error) {
	conn, err := netlink.Open(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open rtnetlink: %w", err)
	}
	// NETLINK_EXT_ACK: the kernel explains in words why it refuses a request.
	conn.Enable(unix.NETLINK_EXT_ACK, unix.NETLINK_GET_STRICT_CHK)
	return &Handle{conn: conn}, nil
}

// OpenIn calls Open inside a function, which may change the namespace of the thread.
func OpenIn(inside func(func() error) error) (h *Handle, err error) {
	err = inside(func() (err error) { h, err = Open(); return err })
	return h, err
}

// Close ends the handle.
func (h *Handle) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.conn.Close()
}

// ask sends a request that the kernel answers with one message.
func (h *Handle) ask(typ uint16, data []byte, f func(netlink.Message)) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.conn.Ask(typ, 0, data, f)
}

// list asks for all objects of a kind.
func (h *Handle) list(typ uint16, data []byte) ([]netlink.Message, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.conn.List(typ, data)
}

// change sends a message that the kernel only acknowledges.
func (h *Handle) change(typ, flags uint16, data []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.conn.Do(typ, flags, data)
}

// ifInfo is the head of a link message (struct ifinfomsg).
type ifInfo struct {
	family        uint8
	index         int
	flags, change uint32
}

// encode encodes the head, then the attributes that fill adds. fill may be nil.
func (i ifInfo) encode(fill func(*netlink.Attributes)) []byte {
	a := make(netlink.Attributes, unix.SizeofIfInfomsg, 128)
	a[0] = i.family
	binary.NativeEndian.PutUint32(a[4:], uint32(i.index))
	binary.NativeEndian.PutUint32(a[8:], i.flags)
	binary.NativeEndian.PutUint32(a[12:], i.change)
	if fill != nil {
		fill(&a)
	}
	return a
}

// ifAddr is the head of an address message (struct ifaddrmsg).
type ifAddr struct {
	family, bits uint8
	index        int
}

// encode encodes the head, then the attributes that fill adds. fill may be nil.
func (i ifAddr) encode(fill func(*netlink.Attributes)) []byte {
	a := make(netlink.Attributes, unix.SizeofIfAddrmsg, 64)
	a[0], a[1] = i.family, i.bits
	binary.NativeEndian.PutUint32(a[4:], uint32(i.index))
	if fill != nil {
		fill(&a)
	}
	return a
}

func flag(on bool) uint8 {
	if on {
		return 1
	}
	return 0
}
