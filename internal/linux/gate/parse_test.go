package gate

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
)

// FuzzParseCounter: parseCounter decodes or ignores any element, and does not panic.
func FuzzParseCounter(f *testing.F) {
	var whole netlink.Attributes
	whole.Nest(unix.NFTA_SET_ELEM_KEY, func(a *netlink.Attributes) { a.Bytes(unix.NFTA_DATA_VALUE, []byte("d0\x00\x00")) })
	whole.Nest(unix.NFTA_SET_ELEM_EXPR, func(a *netlink.Attributes) {
		a.String(unix.NFTA_EXPR_NAME, "counter")
		a.Nest(unix.NFTA_EXPR_DATA, func(a *netlink.Attributes) {
			a.Bytes(unix.NFTA_COUNTER_PACKETS, binary.BigEndian.AppendUint64(nil, 7))
		})
	})
	if name, packets, ok := parseCounter(whole); !ok || name != "d0" || packets != 7 {
		f.Fatalf("decoded %q, %d, %v", name, packets, ok)
	}
	f.Add([]byte(whole))
	f.Add([]byte(whole[:20]))
	f.Fuzz(func(t *testing.T, b []byte) {
		if name, packets, ok := parseCounter(b); ok && name == "" {
			t.Errorf("decoded %d packets of no interface", packets)
		}
	})
}
