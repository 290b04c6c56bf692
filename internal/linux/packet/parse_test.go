package packet

import (
	"encoding/binary"
	"testing"
)

func TestReadOptions(t *testing.T) {
	tests := map[string]struct {
		options   []byte
		alert, ok bool
	}{
		"as we send it":        {[]byte{5, 2, 0, 0, 1, 0}, true, true},
		"padding first":        {[]byte{1, 0, 5, 2, 0, 0}, true, true},
		"single padding bytes": {[]byte{0, 0, 5, 2, 0, 0}, true, true},
		"value of RSVP":        {[]byte{5, 2, 0, 1, 1, 0}, false, true},
		"only padding":         {[]byte{1, 4, 0, 0, 0, 0}, false, true},
		"wrong length":         {[]byte{5, 3, 0, 0, 0, 0}, false, true},
		"to be skipped":        {[]byte{0x3e, 0, 5, 2, 0, 0}, true, true},
		"to be dropped":        {[]byte{5, 2, 0, 0, 0x40, 0}, false, false},
		"to be dropped, told":  {[]byte{0x80, 0, 0, 0, 0, 0}, false, false},
		"cut off":              {[]byte{1, 200, 5, 2, 0, 0}, false, false},
		"without its length":   {[]byte{1, 3, 0, 0, 0, 5}, false, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if alert, ok := readOptions(tt.options); alert != tt.alert || ok != tt.ok {
				t.Errorf("readOptions(%x) = %v, %v; want %v, %v", tt.options, alert, ok, tt.alert, tt.ok)
			}
		})
	}
}

// FuzzParse: any input is a message or an error. The payload of a message lies within the
// packet. If one bit of a message is changed, it is an error.
func FuzzParse(f *testing.F) {
	packet := append([]byte{0x60, 0, 0, 0, 0, 36, 0, 1}, make([]byte, 32)...)
	packet[8], packet[9], packet[24], packet[25] = 0xfe, 0x80, 0xff, 2
	packet = append(packet, 58, 0, 5, 2, 0, 0, 1, 0)
	packet = append(packet, 143, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0)
	packet = append(packet, make([]byte, 16)...)
	f.Add(packet, false, uint16(3))
	f.Add(packet, true, uint16(0))
	f.Add(packet[:50], true, uint16(0))
	f.Fuzz(func(t *testing.T, b []byte, unfinished bool, bit uint16) {
		var m Message
		if err := m.parse(b, unfinished); err != nil {
			if m.Payload != nil {
				t.Errorf("%v, and a message", err)
			}
			finish(b)
			if err := new(Message).parse(b, true); err != nil {
				return
			}
			if err := new(Message).parse(b, false); err != nil {
				t.Fatalf("with its checksum filled in: %v", err)
			}
			return
		}
		if len(m.Payload) < 4 || len(m.Payload) > len(b)-headerSize || !m.Src.Is6() || !m.Dst.Is6() {
			t.Fatalf("%d bytes of %d, from %v to %v", len(m.Payload), len(b), m.Src, m.Dst)
		}
		if unfinished {
			return
		}
		at := int(bit) % (len(m.Payload) * 8)
		m.Payload[at/8] ^= 1 << (at % 8)
		if err := new(Message).parse(b, false); err == nil {
			t.Errorf("bit %d does not count", at)
		}
	})
}

// finish fills in the checksum of the message in a packet, if there is room for one.
func finish(b []byte) {
	var m Message
	if m.parse(b, true) != nil {
		return
	}
	binary.BigEndian.PutUint16(m.Payload[2:], 0)
	rest := uint64(len(m.Payload)) + nextICMPv6 + sum(b[8:headerSize]) + sum(m.Payload)
	for rest > 0xffff {
		rest = rest>>16 + rest&0xffff
	}
	binary.BigEndian.PutUint16(m.Payload[2:], ^uint16(rest))
}
