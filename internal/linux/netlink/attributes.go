package netlink

import (
	"bytes"
	"encoding/binary"
	"iter"

	"golang.org/x/sys/unix"
)

// Attributes are encoded attributes (struct nlattr), each padded to four bytes. They may
// begin with the fixed head of a message; attributes are added after it.
type Attributes []byte

// Bytes adds an attribute.
func (a *Attributes) Bytes(typ uint16, v []byte) {
	*a = a.head(typ, len(v))
	*a = appendPadding(append(*a, v...), len(v))
}

// head begins an attribute whose value has a length in bytes.
func (a *Attributes) head(typ uint16, length int) []byte {
	b := binary.NativeEndian.AppendUint16(*a, uint16(unix.SizeofNlAttr+length))
	return binary.NativeEndian.AppendUint16(b, typ)
}

// String adds a text, which the kernel wants to end with a zero byte.
func (a *Attributes) String(typ uint16, s string) {
	*a = append(a.head(typ, len(s)+1), s...)
	*a = appendPadding(append(*a, 0), len(s)+1)
}

// Uint8 adds a number of 8 bits.
func (a *Attributes) Uint8(typ uint16, v uint8) {
	*a = append(a.head(typ, 1), v, 0, 0, 0)
}

// Uint16 adds a number of 16 bits.
func (a *Attributes) Uint16(typ uint16, v uint16) {
	*a = append(binary.NativeEndian.AppendUint16(a.head(typ, 2), v), 0, 0)
}

// Uint32 adds a number of 32 bits.
func (a *Attributes) Uint32(typ uint16, v uint32) {
	*a = binary.NativeEndian.AppendUint32(a.head(typ, 4), v)
}

// Uint64 adds a number of 64 bits.
func (a *Attributes) Uint64(typ uint16, v uint64) {
	*a = binary.NativeEndian.AppendUint64(a.head(typ, 8), v)
}

// Nest adds an attribute whose value is the attributes that fill adds. The flag
// NLA_F_NESTED is set only if typ contains it: most parts of the kernel do not require it,
// and old ones do not accept it.
func (a *Attributes) Nest(typ uint16, fill func(*Attributes)) {
	at := len(*a)
	*a = a.head(typ, 0)
	fill(a)
	binary.NativeEndian.PutUint16((*a)[at:], uint16(len(*a)-at))
}

// All iterates over the attributes and ends at the first one that is cut short. The types
// do not contain NLA_F_NESTED and NLA_F_NET_BYTEORDER. The values share the memory of the
// attributes.
func (a Attributes) All() iter.Seq2[uint16, []byte] {
	return func(yield func(uint16, []byte) bool) {
		for b := a; len(b) >= unix.SizeofNlAttr; {
			size := int(binary.NativeEndian.Uint16(b))
			if size < unix.SizeofNlAttr || size > len(b) {
				return
			}
			typ := binary.NativeEndian.Uint16(b[2:]) &^ (unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER)
			if !yield(typ, b[unix.SizeofNlAttr:size]) {
				return
			}
			b = b[min(align(size), len(b)):]
		}
	}
}

// Text decodes the value of an attribute that is a text.
func Text(v []byte) string {
	s, _, _ := bytes.Cut(v, []byte{0})
	return string(s)
}

// Uint8 decodes an attribute of 8 bits. It returns 0 if the value has another length.
func Uint8(v []byte) uint8 {
	if len(v) != 1 {
		return 0
	}
	return v[0]
}

// Uint16 decodes an attribute of 16 bits. It returns 0 if the value has another length.
func Uint16(v []byte) uint16 {
	if len(v) != 2 {
		return 0
	}
	return binary.NativeEndian.Uint16(v)
}

// Uint32 decodes an attribute of 32 bits. It returns 0 if the value has another length.
func Uint32(v []byte) uint32 {
	if len(v) != 4 {
		return 0
	}
	return binary.NativeEndian.Uint32(v)
}
