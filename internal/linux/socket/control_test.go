package socket

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

func TestControl(t *testing.T) {
	to := netip.MustParseAddr("2001:db8::1")
	b := AppendPacketInfo(nil, 7, to)
	b = AppendControl(b, unix.IPV6_HOPOPTS, []byte{0, 0, 5, 2, 0, 0, 1, 0})
	b = AppendControl(b, unix.IPV6_HOPLIMIT, []byte{1, 0, 0, 0})
	if len(b) != unix.CmsgSpace(20)+unix.CmsgSpace(8)+unix.CmsgSpace(4) {
		t.Errorf("%d bytes", len(b))
	}
	var d Datagram
	d.readControl(b)
	if d.Dst != to || d.Ifindex != 7 || len(d.HopOptions) != 8 || d.HopLimit == 0 {
		t.Errorf("read %+v", d)
	}
}

// FuzzControl: readControl accepts any input without access beyond its memory. In
// production only the kernel writes this input.
func FuzzControl(f *testing.F) {
	f.Add(AppendControl(nil, unix.IPV6_PKTINFO, make([]byte, 20)))
	f.Add(AppendControl(AppendControl(nil, unix.IPV6_HOPOPTS, make([]byte, 8)), unix.IPV6_HOPLIMIT, []byte{1, 0, 0, 0}))
	f.Fuzz(func(t *testing.T, b []byte) {
		new(Datagram).readControl(append(make([]byte, 0, len(b)), b...))
	})
}
