// Package netlink exchanges messages with the kernel over netlink sockets (RFC 3549,
// linux/netlink.h).
//
// A [Conn] sends requests and reads the answers. A [Subscription] receives the notices of
// multicast groups. The packages above encode and decode the messages of single protocols,
// such as rtnetlink.
//
// General libraries start a goroutine for each message that is sent or received. A
// switchover would wait until other threads are woken and get a processor. The kernel
// answers before the system call that sends returns, so no goroutine needs to wait.
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
	Data        []byte // the payload after the header
}

// AppendMessage appends an encoded message to b. Messages are padded to four bytes.
func AppendMessage(b []byte, m Message) []byte {
	b = binary.NativeEndian.AppendUint32(b, uint32(unix.SizeofNlMsghdr+len(m.Data)))
	b = binary.NativeEndian.AppendUint16(b, m.Type)
	b = binary.NativeEndian.AppendUint16(b, m.Flags)
	b = binary.NativeEndian.AppendUint32(b, m.Seq)
	b = binary.NativeEndian.AppendUint32(b, m.Port)
	return appendPadding(append(b, m.Data...), len(m.Data))
}

// NextMessage splits the first message off a datagram. The message shares the memory of the
// datagram. It returns ok false at the end of the datagram, or if the rest is not a whole
// message.
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
	// Text is the explanation of the kernel, empty if it gives none.
	Text string
}

func (e *Error) Error() string {
	if e.Text == "" {
		return e.Errno.Error()
	}
	return fmt.Sprintf("%s: %s", e.Errno.Error(), e.Text)
}

func (e *Error) Unwrap() error { return e.Errno }

// outcome returns the error that an NLMSG_ERROR or NLMSG_DONE message contains, nil for
// success.
func (m Message) outcome() error {
	if len(m.Data) < 4 {
		return nil // a DONE message without a result
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

// explanation returns the attributes of the extended acknowledgement (NETLINK_EXT_ACK). In
// NLMSG_ERROR they follow the request, or only the header of the request.
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
