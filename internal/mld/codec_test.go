package mld

import (
	"bytes"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"tandem/internal/golden"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var samePacket = cmp.Options{byAddr, cmpopts.IgnoreUnexported(Packet{}), cmpopts.EquateEmpty()}

// captured contains messages that Linux 6.18 has sent: its host side, and the querier of
// its bridge. The kernel computed their checksums. The bridge was configured with a query
// interval of 200 s. It writes 200 into the code field, where 200 encodes a different
// interval.
var captured = []struct {
	name     string
	src, dst string
	hex      string
	want     Packet
	encode   func(*Packet) []byte
}{
	{
		"host joins a source and leaves a group", "fe80::ff:fe00:1", "ff02::16",
		"8f00becc0000000205000001ff3e000000000000000000008000000120010db800000000000000000000000104000000ff1e0000000000000000000000000001",
		Packet{Type: TypeReportV2, Query: Query{Version: 2}, Records: []GroupRecord{
			{AllowNewSources, addr("ff3e::8000:1"), addrList("2001:db8::1")},
			{ChangeToExclude, addr("ff1e::1"), nil},
		}},
		func(p *Packet) []byte { return AppendReport(nil, p.Records) },
	},
	{
		"host blocks a source", "fe80::ff:fe00:1", "ff02::16",
		"8f00c1010000000106000001ff3e000000000000000000008000000120010db8000000000000000000000001",
		Packet{Type: TypeReportV2, Query: Query{Version: 2}, Records: []GroupRecord{
			{BlockOldSources, addr("ff3e::8000:1"), addrList("2001:db8::1")},
		}},
		func(p *Packet) []byte { return AppendReport(nil, p.Records) },
	},
	{
		"host leaves", "fe80::ff:fe00:1", "ff02::16",
		"8f0071ed0000000103000000ff1e0000000000000000000000000001",
		Packet{Type: TypeReportV2, Query: Query{Version: 2}, Records: []GroupRecord{{ChangeToInclude, addr("ff1e::1"), nil}}},
		func(p *Packet) []byte { return AppendReport(nil, p.Records) },
	},
	{
		"MLDv1 host joins", "fe80::ff:fe00:1", "ff1e::2",
		"830080e900000000ff1e0000000000000000000000000002",
		Packet{Type: TypeReportV1, Query: Query{Version: 1, Group: addr("ff1e::2")}},
		func(p *Packet) []byte { return AppendReportV1(nil, p.Group) },
	},
	{
		"bridge asks for a group", "fe80::ff:fe00:2", "ff1e::7",
		"82007b2a03e80000ff1e000000000000000000000000000702c80000",
		Packet{Type: TypeQuery, Query: Query{Version: 2, MaxResponse: time.Second, Group: addr("ff1e::7"),
			Robustness: 2, QueryInterval: 3072 * time.Second}},
		func(p *Packet) []byte { return AppendQuery(nil, p.Query) },
	},
	{
		"bridge asks and suppresses", "fe80::ff:fe00:2", "ff1e::7",
		"8200732a03e80000ff1e00000000000000000000000000070ac80000",
		Packet{Type: TypeQuery, Query: Query{Version: 2, MaxResponse: time.Second, Group: addr("ff1e::7"), Suppress: true,
			Robustness: 2, QueryInterval: 3072 * time.Second}},
		func(p *Packet) []byte { return AppendQuery(nil, p.Query) },
	},
}

func TestGolden(t *testing.T) {
	for _, tc := range captured {
		t.Run(tc.name, func(t *testing.T) {
			wire := golden.Hex(t, tc.hex)
			var p Packet
			if err := p.Parse(wire); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, p, samePacket); diff != "" {
				t.Error(diff)
			}
			b := tc.encode(&p)
			SetChecksum(addr(tc.src), addr(tc.dst), b)
			if !bytes.Equal(b, wire) {
				t.Errorf("encoded\n%x, want\n%x", b, wire)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	report := AppendReport(nil, []GroupRecord{{ModeIsInclude, group1, []netip.Addr{s1}}})
	query := AppendQuery(nil, Query{Version: 2, Group: group1, Sources: []netip.Addr{s1}})
	done := AppendDone(nil, group1)
	for _, tc := range []struct {
		name  string
		b     []byte
		field string
	}{
		{"empty", nil, "length"},
		{"short done", done[:23], "length"},
		{"between the versions of a query", query[:26], "length"},
		{"sources cut off", query[:43], "length"},
		{"report without records", report[:7], "length"},
		{"record cut off", report[:20], "record length"},
		{"record's sources cut off", report[:43], "record length"},
		{"neighbour discovery", []byte{135, 0, 0, 0}, "type"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := Packet{Type: TypeDone, Records: []GroupRecord{{}}}
			var bad *ParseError
			if err := p.Parse(tc.b); !errors.As(err, &bad) || bad.Field != tc.field {
				t.Fatalf("error %v, want one about %q", err, tc.field)
			}
			if p.Type != 0 || len(p.Records) != 0 {
				t.Errorf("left behind %+v", p)
			}
		})
	}
}

func TestParseSkips(t *testing.T) {
	b := AppendReport(nil, []GroupRecord{{ModeIsInclude, group1, []netip.Addr{s1}}})
	b[reportHeaderSize+1] = 2           // two words of auxiliary data
	b = append(b, make([]byte, 8+3)...) // and bytes after the last record
	var p Packet
	if err := p.Parse(b); err != nil {
		t.Fatal(err)
	}
	if len(p.Records) != 1 || !slices.Equal(p.Records[0].Sources, []netip.Addr{s1}) {
		t.Errorf("parsed %+v", p.Records)
	}
}

// The exponential codes of RFC 9777, sections 5.1.3 and 5.1.9.
func TestCodes(t *testing.T) {
	for v := range time.Duration(0x1fff << 10) {
		if v > 100_000 && v%997 != 0 {
			continue
		}
		got := time.Duration(decodeResponse(encodeResponse(v)))
		if got > v || v-got > v/4096 || v < 0x8000 && got != v {
			t.Fatalf("response %d became %d", v, got)
		}
		s := min(v, 0x1f<<10)
		if got := time.Duration(decodeInterval(encodeInterval(s))); got > s || s-got > s/16 || s < 128 && got != s {
			t.Fatalf("interval %d became %d", s, got)
		}
	}
	for _, code := range []uint16{0x8000, 0x8001, 0xffff} {
		if got := encodeResponse(time.Duration(decodeResponse(code))); got != code {
			t.Errorf("code %#x became %#x", code, got)
		}
	}
}

// FuzzParse: a message that can be decoded is the same after encoding and decoding.
func FuzzParse(f *testing.F) {
	for _, g := range captured {
		f.Add(golden.Hex(f, g.hex))
	}
	f.Add(AppendQuery(nil, Query{Version: 1, MaxResponse: time.Second}))
	f.Add(AppendQuery(nil, Query{Version: 2, MaxResponse: 100 * time.Second, Group: group1, Sources: []netip.Addr{s1, s2}}))
	f.Add(AppendDone(nil, group1))
	f.Fuzz(func(t *testing.T, b []byte) {
		var p, q Packet
		if err := p.Parse(b); err != nil {
			return
		}
		var again []byte
		switch p.Type {
		case TypeQuery:
			again = AppendQuery(nil, p.Query)
		case TypeReportV1:
			again = AppendReportV1(nil, p.Group)
			p.MaxResponse = 0
		case TypeDone:
			again = AppendDone(nil, p.Group)
			p.MaxResponse = 0
		case TypeReportV2:
			again = AppendReport(nil, p.Records)
		}
		if err := q.Parse(again); err != nil {
			t.Fatalf("%x: %v", again, err)
		}
		if diff := cmp.Diff(p, q, samePacket); diff != "" {
			t.Error(diff)
		}
	})
}
