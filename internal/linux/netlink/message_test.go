package netlink

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
)

// FuzzNextMessage: NextMessage splits any input into messages. Encoding them again yields
// the same bytes.
func FuzzNextMessage(f *testing.F) {
	ack := AppendMessage(nil, Message{Type: 2, Seq: 3, Port: 4, Data: make([]byte, 20)})
	odd := AppendMessage(nil, Message{Type: 16, Data: []byte("odd")})
	f.Add(ack)
	f.Add(append(slices.Clone(odd), ack...))
	f.Add(ack[:17])
	f.Fuzz(func(t *testing.T, b []byte) {
		for {
			m, rest, ok := NextMessage(b)
			if !ok {
				if len(b) >= 16 && binary.NativeEndian.Uint32(b) == uint32(len(b)) {
					t.Fatalf("a whole message of %d bytes is left", len(b))
				}
				return
			}
			again := AppendMessage(nil, m)
			size := 16 + len(m.Data)
			if !bytes.Equal(again[:size], b[:size]) || len(again) != align(size) {
				t.Fatalf("%x taken apart and put together: %x", b[:size], again)
			}
			_ = m.outcome()
			b = rest
		}
	})
}

func TestAttributes(t *testing.T) {
	a := Attributes{1, 2, 3, 4} // the fixed head of a message
	a.Uint8(1, 8)
	a.Uint16(2, 16)
	a.Uint32(3, 32)
	a.Uint64(4, 64)
	a.String(5, "text")
	a.Nest(6|1<<15, func(a *Attributes) {
		a.Bytes(7, []byte{1, 2, 3})
		a.Uint8(8, 9)
	})
	if len(a)%4 != 0 {
		t.Errorf("%d bytes are not padded", len(a))
	}
	var types []uint16
	for typ, v := range a[4:].All() {
		types = append(types, typ)
		ok := false
		switch typ {
		case 1:
			ok = Uint8(v) == 8 && Uint16(v) == 0
		case 2:
			ok = Uint16(v) == 16 && Uint32(v) == 0
		case 3:
			ok = Uint32(v) == 32 && Uint8(v) == 0
		case 4:
			ok = binary.NativeEndian.Uint64(v) == 64
		case 5:
			ok = Text(v) == "text"
		case 6:
			var inner [][]byte
			for _, v := range Attributes(v).All() {
				inner = append(inner, v)
			}
			ok = len(inner) == 2 && bytes.Equal(inner[0], []byte{1, 2, 3}) && bytes.Equal(inner[1], []byte{9})
		}
		if !ok {
			t.Errorf("attribute %d: %x", typ, v)
		}
	}
	if !slices.Equal(types, []uint16{1, 2, 3, 4, 5, 6}) {
		t.Errorf("attributes %v", types)
	}
}

func FuzzAttributes(f *testing.F) {
	var a Attributes
	a.String(1, "text")
	a.Nest(2, func(a *Attributes) { a.Uint16(3, 4) })
	f.Add([]byte(a))
	f.Fuzz(func(t *testing.T, b []byte) {
		seen := 0
		for _, v := range Attributes(b).All() {
			seen += 4 + len(v)
			_, _, _, _ = Text(v), Uint8(v), Uint16(v), Uint32(v)
		}
		if seen > len(b) {
			t.Errorf("attributes of %d bytes in %d", seen, len(b))
		}
	})
}
