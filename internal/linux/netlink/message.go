// Package netlink speaks with the kernel over netlink sockets (RFC 3549,
// linux/netlink.h).
//
// A [Conn] asks and reads the answers. A [Subscription] hears what the kernel
// tells to a multicast group. The messages of single protocols, such as
// rtnetlink, are the business of the packages above.
//
// General libraries start a goroutine for each message that is sent or received.
// A switchover would wait until other threads have been woken and have found a
// processor. The kernel answers before the call that sends returns, so there is
// nothing to wait for.
package netlink

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// Message is one netlink message (struct nlmsghdr and what follows it).
type Message struct {
	Type, Flags uint16 // NLMSG_*, RTM_* and the like; NLM_F_*
	Seq, Port   uint32 // sequence number and port of the process that asks
	Data        []byte // what follows the header
}

// AppendMessage encodes a message at the end of b. Messages that follow each other
// are padded to four bytes.
func AppendMessage(b []byte, m Message) []byte {
	b = binary.NativeEndian.AppendUint32(b, uint32(unix.SizeofNlMsghdr+len(m.Data)))
	b = binary.NativeEndian.AppendUint16(b, m.Type)
	b = binary.NativeEndian.AppendUint16(b, m.Flags)
	b = binary.NativeEndian.AppendUint32(b, m.Seq)
	b = binary.NativeEndian.AppendUint32(b, m.Port)
	return appendPadding(append(b, m.Data...), len(m.Data))
}

// NextMessage splits the first message off a datagram. The message shares the
// memory of the datagram. It is not ok when the datagram is at its end, or when
// what it has left is no whole message.
func NextMessage(b []byte) (m Message, rest []byte, ok bool) {
	if len(b) < unix.SizeofNlMsghdr {
		return m, nil, false
	}
	size := int(binary.NativeEndian.Uint32(b))
	if size < unix.SizeofNlMsghdr || size > len(b) {
		return m, nil, false
	}
	m = Message{
		Type: binary.NativeEndian.Uint16(b[4:]), Flags: binary.NativeEndian.Uint16(b[6:]),
		Seq: binary.NativeEndian.Uint32(b[8:]), Port: binary.NativeEndian.Uint32(b[12:]),
		Data: b[unix.SizeofNlMsghdr:size],
	}
	return m, b[min(align(size), len(b)):], true
}

func align(n int) int { return (n + 3) &^ 3 }

func appendPadding(b []byte, written int) []byte {
	var zero [4]byte
	return append(b, zero[:align(written)-written]...)
}

// Error is a refusal of the kernel. It wraps the errno.
type Error struct {
	Errno unix.Errno
	// Text is what the kernel says about it in words, empty when it says nothing.
	Text string
}

func (e *Error) Error() string {
	if e.Text == "" {
		return e.Errno.Error()
	}
	return fmt.Sprintf("%s: %s", e.Errno.Error(), e.Text)
}

func (e *Error) Unwrap() error { return e.Errno }

// outcome is the result that NLMSG_ERROR or NLMSG_DONE carries, nil when all went well.
func (m Message) outcome() error {
	if len(m.Data) < 4 {
		return nil // an empty DONE
	}
	code := int32(binary.NativeEndian.Uint32(m.Data))
	if code == 0 {
		return nil
	}
	e := &Error{Errno: unix.Errno(-code)}
	for typ, v := range m.explanation().All() {
		if typ == unix.NLMSGERR_ATTR_MSG {
			e.Text = Text(v)
		}
	}
	return e
}

// explanation is the extended acknowledgement (NETLINK_EXT_ACK). In NLMSG_ERROR it
// follows the request, or only the header of the request.
func (m Message) explanation() Attributes {
	switch {
	case m.Flags&unix.NLM_F_ACK_TLVS == 0:
		return nil
	case m.Type == unix.NLMSG_DONE:
		return Attributes(m.Data[4:])
	case m.Flags&unix.NLM_F_CAPPED != 0:
		return Attributes(m.Data[min(4+unix.SizeofNlMsghdr, len(m.Data)):])
	}
	_, rest, _ := NextMessage(m.Data[4:])
	return Attributes(rest)
}
