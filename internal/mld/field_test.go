package mld

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"testing"
)

// TestFieldMessages: what conformance testers and real hosts send and routers have stumbled over
// (docs/field.md). Each line is a message of a host, what is wrong or odd with it, and whether it counts.
func TestFieldMessages(t *testing.T) {
	const (
		v1Report = "830000000000" + "0000" + "ff1e0000000000000000000000000001"
		v2Report = "8f0000000000" + "0001" + "04000000" + "ff1e0000000000000000000000000001"
	)
	group := netip.MustParseAddr("ff1e::1")
	for _, c := range []struct {
		name  string
		wire  string
		edit  func(b []byte)
		from  string
		to    string
		joins bool
	}{
		{"MLDv1, reserved field", v1Report, func(b []byte) { binary.BigEndian.PutUint16(b[6:], 0xffff) }, "fe80::1", "ff1e::1", true},
		{"MLDv2, reserved fields", v2Report, func(b []byte) { b[1], b[4], b[5] = 0xff, 0xff, 0xff }, "fe80::1", "ff02::16", true},
		{"MLDv1, code", v1Report, func(b []byte) { b[1] = 7 }, "fe80::1", "ff1e::1", true},
		{"MLDv1, maximum response delay", v1Report, func(b []byte) { binary.BigEndian.PutUint16(b[4:], 10000) }, "fe80::1", "ff1e::1", true},
		{"MLDv1, other destination", v1Report, nil, "fe80::1", "ff1e::2", true},
		{"MLDv1, longer than needed", v1Report + "00000000", nil, "fe80::1", "ff1e::1", true},
		{"global source", v1Report, nil, "2001:db8::10", "ff1e::1", false},
		{"no source", v2Report, nil, "::", "ff02::16", false},
		{"link-local group", v1Report[:16] + "ff020000000000000000000000000002", nil, "fe80::1", "ff02::2", false},
		{"organization scope", v1Report[:16] + "ff180000000000000000000000000001", nil, "fe80::1", "ff18::1", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := hex.DecodeString(c.wire)
			if err != nil {
				t.Fatal(err)
			}
			if c.edit != nil {
				c.edit(b)
			}
			x := newRig(t, DefaultConfig())
			var p Packet
			if err := p.Parse(b); err != nil {
				t.Fatal(err)
			}
			of := group
			if p.Type == TypeReportV1 {
				of = p.Group
			}
			err = x.r.Receive(x.now, x.version(), Meta{Src: netip.MustParseAddr(c.from), Dst: netip.MustParseAddr(c.to), HopLimit: 1}, &p, &x.fx)
			if joined := x.r.Filter(of).Mode == Exclude; joined != c.joins {
				t.Errorf("joined %v, %v", joined, err)
			}
			if len(x.fx.Queries) != 0 {
				t.Errorf("it was answered by %+v", x.fx.Queries)
			}
			if drops := x.r.State(x.now).Counters.Drops; !c.joins && drops == (Drops{}) {
				t.Error("dropped, and not counted")
			}
		})
	}
}
