package gate

import (
	"slices"
	"testing"

	"github.com/mdlayher/netlink"
)

// What parses is what was put together, message by message.
func FuzzParse(f *testing.F) {
	ack, _ := netlink.Message{Header: netlink.Header{Length: 36, Type: netlink.Error}, Data: make([]byte, 20)}.MarshalBinary()
	f.Add(ack)
	f.Add(append(slices.Clone(ack), ack...))
	f.Add(ack[:17])
	f.Fuzz(func(t *testing.T, b []byte) {
		messages, err := parse(b)
		if err != nil {
			return
		}
		left := b
		for _, m := range messages {
			if int(m.Header.Length) != 16+len(m.Data) && (int(m.Header.Length)+3)&^3 != 16+len(m.Data) {
				t.Fatalf("header says %d, %d bytes of data", m.Header.Length, len(m.Data))
			}
			left = left[(int(m.Header.Length)+3)&^3:]
		}
		if len(left) >= 16 {
			t.Fatalf("%d bytes left", len(left))
		}
	})
}
