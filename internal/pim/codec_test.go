package pim

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tandem/internal/golden"
)

var addr = netip.MustParseAddr

var same = cmp.Options{cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }), cmpopts.EquateEmpty()}

// sourceEntry returns an entry of a JoinPrune: for (S,G) without flags, for (*,G) with
// "*", for (S,G,rpt) with "rpt".
func sourceEntry(a, flags string) Source {
	return Source{Prefix: netip.PrefixFrom(addr(a), 128), Sparse: true, Wildcard: flags == "*", RPT: flags != ""}
}

// nullPacket is an IPv6 packet of a source without payload.
var nullPacket = append(append([]byte{0x60, 0, 0, 0, 0, 0, 59, 1}, addr("2001:db8::10").AsSlice()...), addr("ff1e::1").AsSlice()...)

// messages holds one message of each kind, and its bytes between two addresses.
var messages = []struct {
	name    string
	message Message
	hex     string
}{
	{"hello", &Hello{
		HoldTime: 105 * time.Second, HasHoldTime: true,
		PruneDelay: &PruneDelay{true, 500 * time.Millisecond, 2500 * time.Millisecond},
		DRPriority: 1, HasDRPriority: true, GenerationID: 0x01020304, HasGenerationID: true,
		Addresses: []netip.Addr{addr("2001:db8::1"), addr("2001:db8:1::1")},
	}, `2000f1aa
		0001 0002 0069               # Holdtime
		0002 0004 81f4 09c4          # LAN Prune Delay
		0013 0004 00000001           # DR Priority
		0014 0004 01020304           # Generation ID
		0018 0024 0200 20010db8000000000000000000000001 0200 20010db8000100000000000000000001`},
	{"good-bye", &Hello{HasHoldTime: true}, `2000e1f9 0001 0002 0000`},
	{"join and prune", &JoinPrune{Upstream: addr("fe80::2"), HoldTime: 210 * time.Second, Groups: []GroupRecord{
		{Group: group(addr("ff3e::8000:1")), Joins: []Source{sourceEntry("2001:db8::10", "")}},
		{Group: group(addr("ff1e::1")), Joins: []Source{sourceEntry("2001:db8::99", "*")},
			Prunes: []Source{sourceEntry("2001:db8::10", "rpt"), sourceEntry("2001:db8::11", "")}},
	}}, `23008402 0200 fe800000000000000000000000000002 00 02 00d2
		02000080 ff3e0000000000000000000080000001 0001 0000
		02000480 20010db8000000000000000000000010
		02000080 ff1e0000000000000000000000000001 0001 0002
		02000780 20010db8000000000000000000000099
		02000580 20010db8000000000000000000000010
		02000480 20010db8000000000000000000000011`},
	{"assert", &Assert{Group: group(addr("ff1e::1")), Source: addr("2001:db8::10"), Metric: Metric{true, 110, 20}},
		`25002ae9 02000080 ff1e0000000000000000000000000001 0200 20010db8000000000000000000000010 8000006e 00000014`},
	{"register", &Register{Border: true, Null: true, Packet: nullPacket},
		`210020fe c0000000 60000000 0000 3b 01 20010db8000000000000000000000010 ff1e0000000000000000000000000001`},
	{"register-stop", &RegisterStop{Group: group(addr("ff1e::1")), Source: addr("2001:db8::10")},
		`2200ae73 02000080 ff1e0000000000000000000000000001 0200 20010db8000000000000000000000010`},
	{"bootstrap", &Bootstrap{NoForward: true, FragmentTag: 0x1234, HashMaskLen: 126, Priority: 64, BSR: addr("2001:db8::b"),
		Ranges: []RPRange{
			{Group: GroupRange{Prefix: netip.MustParsePrefix("ff00::/8")}, Count: 1,
				RPs: []RPEntry{{addr("2001:db8::99"), 150 * time.Second, 192}}},
			{Group: GroupRange{Prefix: netip.MustParsePrefix("ff15::/16"), Bidir: true, Zone: true}},
		}},
		`2480a7d4 1234 7e 40 0200 20010db800000000000000000000000b
		02000008 ff000000000000000000000000000000 01 01 0000
		0200 20010db8000000000000000000000099 0096 c0 00
		02008110 ff150000000000000000000000000000 00 00 0000`},
}

// A hello of FRR's pim6d 10.3.
const (
	pim6dFrom       = "fe80::f855:81ff:fe36:a74d"
	pim6dGeneration = 0x39883109
	pim6dHello      = "20004b20 0001 0002 0069 0002 0004 01f4 09c4 0013 0004 00000001 0014 0004 39883109"
)

var wireFrom, wireTo = addr("fe80::1"), AllRouters

// TestGolden encodes and decodes every kind of message.
func TestGolden(t *testing.T) {
	for _, tc := range messages {
		t.Run(tc.name, func(t *testing.T) {
			want := golden.Hex(t, tc.hex)
			b := Append(nil, tc.message)
			SetChecksum(wireFrom, wireTo, b)
			if !bytes.Equal(b, want) {
				t.Errorf("encoded\n%x, want\n%x", b, want)
			}
			m, err := Parse(want)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.message, m, same); diff != "" {
				t.Error(diff)
			}
			if !ChecksumRight(wireFrom, wireTo, want) || ChecksumRight(wireTo, wireTo, want) {
				t.Error("checksum is not looked at")
			}
		})
	}
}

// TestPIM6DHello decodes a captured hello of FRR's pim6d 10.3.
func TestPIM6DHello(t *testing.T) {
	b := golden.Hex(t, pim6dHello)
	if !ChecksumRight(addr(pim6dFrom), AllRouters, b) {
		t.Error("checksum")
	}
	m, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	want := &Hello{HoldTime: 105 * time.Second, HasHoldTime: true, PruneDelay: &PruneDelay{false, 500 * time.Millisecond, 2500 * time.Millisecond},
		DRPriority: 1, HasDRPriority: true, GenerationID: pim6dGeneration, HasGenerationID: true}
	if diff := cmp.Diff(Message(want), m, same); diff != "" {
		t.Error(diff)
	}
}

func TestParseErrors(t *testing.T) {
	join := Append(nil, messages[2].message)
	with := func(at int, v byte) []byte { b := bytes.Clone(join); b[at] = v; return b }
	for _, tc := range []struct {
		name  string
		b     []byte
		field string
	}{
		{"empty", nil, "length"},
		{"version 1", []byte{0x13, 0, 0, 0}, "version"},
		{"graft", []byte{0x26, 0, 0, 0}, "type"},
		{"option cut off", []byte{0x20, 0, 0, 0, 0, 1, 0, 2, 0}, "length"},
		{"option too short", []byte{0x20, 0, 0, 0, 0, 20, 0, 2, 0, 0}, "length"},
		{"IPv4 neighbor", with(4, 1), "address family"},
		{"other encoding", with(5, 1), "address encoding"},
		{"mask of 129 bits", with(29, 129), "mask length"},
		{"group that is none", with(30, 0x20), "group prefix"},
		{"more sources than there are", with(46, 0xff), "length"},
		{"cut off", join[:len(join)-1], "length"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, err := Parse(tc.b)
			var bad *ParseError
			if !errors.As(err, &bad) || bad.Field != tc.field || m != nil {
				t.Errorf("%v, error %v, want one about %q", m, err, tc.field)
			}
		})
	}
}

// TestParseSkips: fields and options that a later release adds do no harm.
func TestParseSkips(t *testing.T) {
	hello := append(Append(nil, messages[0].message), 0, 99, 0, 1, 7)
	join := append(Append(nil, messages[2].message), 1, 2, 3)
	for i, b := range map[int][]byte{0: hello, 2: join} {
		m, err := Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(messages[i].message, m, same); diff != "" {
			t.Error(diff)
		}
	}
}

// FuzzParse: a decoded message is the same after encoding and decoding.
func FuzzParse(f *testing.F) {
	for _, tc := range messages {
		f.Add(golden.Hex(f, tc.hex))
	}
	f.Add(golden.Hex(f, pim6dHello))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		if err != nil {
			return
		}
		again := Append(nil, m)
		n, err := Parse(again)
		if err != nil {
			t.Fatalf("%x: %v", again, err)
		}
		if diff := cmp.Diff(m, n, same); diff != "" {
			t.Error(diff)
		}
	})
}
