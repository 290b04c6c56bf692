// Package links lists, watches and changes network interfaces over rtnetlink.
//
// A Handle changes things and answers questions; a Monitor follows links and
// addresses as they come, change and go. Both belong to one namespace.
//
// Messages are encoded and decoded here rather than by a general rtnetlink
// library: the few attributes that matter are read by name and everything else
// is passed over, so that a newer kernel that says more is not an error.
package links

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// ErrNotFound says that there is no interface of that name.
var ErrNotFound = errors.New("no such interface")

// Handle is a connection to the kernel's rtnetlink in one namespace. It may be
// used by several goroutines.
type Handle struct {
	conn *netlink.Conn
}

// Open makes a handle for the namespace of the process.
func Open() (*Handle, error) { return dial(&netlink.Config{}) }

// OpenIn makes a handle for the namespace of a descriptor.
func OpenIn(netnsFD int) (*Handle, error) { return dial(&netlink.Config{NetNS: netnsFD}) }

func dial(cfg *netlink.Config) (*Handle, error) {
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, cfg)
	if err != nil {
		return nil, fmt.Errorf("open rtnetlink: %w", err)
	}
	// The kernel says in words what it did not like; older kernels do not know how.
	_ = conn.SetOption(netlink.ExtendedAcknowledge, true)
	_ = conn.SetOption(netlink.GetStrictCheck, true)
	return &Handle{conn: conn}, nil
}

// Close ends the handle.
func (h *Handle) Close() error { return h.conn.Close() }

// request sends one message and returns the answers.
func (h *Handle) request(typ netlink.HeaderType, flags netlink.HeaderFlags, data []byte) ([]netlink.Message, error) {
	return h.conn.Execute(netlink.Message{
		Header: netlink.Header{Type: typ, Flags: netlink.Request | flags},
		Data:   data,
	})
}

// maxLists is how often a list is asked for whose objects keep changing.
const maxLists = 100

// list asks for all objects of a kind. The kernel marks a list that it has made while one of
// them changed: something may be missing that was there all the time.
func (h *Handle) list(typ netlink.HeaderType, data []byte) ([]netlink.Message, error) {
	for range maxLists {
		msgs, err := h.request(typ, netlink.Dump, data)
		if err != nil || !slices.ContainsFunc(msgs, interrupted) {
			return msgs, err
		}
	}
	return nil, fmt.Errorf("they changed while they were listed, %d times", maxLists)
}

func interrupted(m netlink.Message) bool { return m.Header.Flags&netlink.DumpInterrupted != 0 }

// change sends a message that the kernel only acknowledges.
func (h *Handle) change(typ netlink.HeaderType, flags netlink.HeaderFlags, data []byte, err error) error {
	if err == nil {
		_, err = h.request(typ, netlink.Acknowledge|flags, data)
	}
	return err
}

// ifInfo is the head of a link message (struct ifinfomsg).
type ifInfo struct {
	family        uint8
	index         int
	flags, change uint32
}

// encode lays out the head and the attributes that fill adds.
func (i ifInfo) encode(fill func(*netlink.AttributeEncoder)) ([]byte, error) {
	b := make([]byte, unix.SizeofIfInfomsg, 128)
	b[0] = i.family
	binary.NativeEndian.PutUint32(b[4:], uint32(i.index))
	binary.NativeEndian.PutUint32(b[8:], i.flags)
	binary.NativeEndian.PutUint32(b[12:], i.change)
	return appendAttributes(b, fill)
}

// ifAddr is the head of an address message (struct ifaddrmsg).
type ifAddr struct {
	family, bits uint8
	index        int
}

func (i ifAddr) encode(fill func(*netlink.AttributeEncoder)) ([]byte, error) {
	b := make([]byte, unix.SizeofIfAddrmsg, 64)
	b[0], b[1] = i.family, i.bits
	binary.NativeEndian.PutUint32(b[4:], uint32(i.index))
	return appendAttributes(b, fill)
}

func appendAttributes(b []byte, fill func(*netlink.AttributeEncoder)) ([]byte, error) {
	if fill == nil {
		return b, nil
	}
	ae := netlink.NewAttributeEncoder()
	fill(ae)
	attrs, err := ae.Encode()
	if err != nil {
		return nil, err
	}
	return append(b, attrs...), nil
}

// nest encodes attributes inside another one. The nested flag is left out: the
// kernel does not ask for it here, and old ones do not expect it.
func nest(ae *netlink.AttributeEncoder, typ uint16, fill func(*netlink.AttributeEncoder)) {
	ae.Do(typ, func() ([]byte, error) { return appendAttributes(nil, fill) })
}

func flag(on bool) uint8 {
	if on {
		return 1
	}
	return 0
}
