package bfd

import (
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"tandem/internal/golden"

	"github.com/google/go-cmp/cmp"
)

// captured are packets of a session between this package and FRR's bfdd 8.4.4, as
// captured on the link; tshark dissects each as written here.
var captured = []struct {
	name, octets string
	packet       Packet
}{
	{"ours: Down, slow start", "204003180000000700000000000f42400000271000000000", Packet{
		State: Down, DetectMult: 3, MyDiscriminator: 7,
		DesiredMinTx: time.Second, RequiredMinRx: 10 * time.Millisecond}},
	{"bfdd: Init", "20800318fc4dfcf000000007000f4240000f42400000c350", Packet{
		State: Init, DetectMult: 3, MyDiscriminator: 0xfc4dfcf0, YourDiscriminator: 7,
		DesiredMinTx: time.Second, RequiredMinRx: time.Second, RequiredMinEchoRx: 50 * time.Millisecond}},
	{"ours: Up, Poll", "20e0031800000007fc4dfcf0000027100000271000000000", Packet{
		State: Up, Poll: true, DetectMult: 3, MyDiscriminator: 7, YourDiscriminator: 0xfc4dfcf0,
		DesiredMinTx: 10 * time.Millisecond, RequiredMinRx: 10 * time.Millisecond}},
	{"bfdd: Up, Final", "20d00318fc4dfcf00000000700002710000027100000c350", Packet{
		State: Up, Final: true, DetectMult: 3, MyDiscriminator: 0xfc4dfcf0, YourDiscriminator: 7,
		DesiredMinTx: 10 * time.Millisecond, RequiredMinRx: 10 * time.Millisecond, RequiredMinEchoRx: 50 * time.Millisecond}},
	{"ours: Down, detection time expired", "214003180000000700000000000f42400000271000000000", Packet{
		Diagnostic: DiagDetectionTimeExpired, State: Down, DetectMult: 3, MyDiscriminator: 7,
		DesiredMinTx: time.Second, RequiredMinRx: 10 * time.Millisecond}},
}

func TestGolden(t *testing.T) {
	for _, g := range captured {
		t.Run(g.name, func(t *testing.T) {
			octets := golden.Hex(t, g.octets)
			var got Packet
			if err := got.Parse(octets); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(g.packet, got); diff != "" {
				t.Errorf("Parse (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(g.octets, hex.EncodeToString(g.packet.Append(nil))); diff != "" {
				t.Errorf("Append (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	valid := golden.Hex(t, captured[2].octets)
	with := func(at int, octets ...byte) []byte {
		b := append([]byte(nil), valid...)
		copy(b[at:], octets)
		return b
	}
	for _, c := range []struct {
		name string
		in   []byte
		want DropCause
	}{
		{"nothing", nil, DropShort},
		{"one octet too few", valid[:23], DropShort},
		{"version 0", with(0, 0x00), DropVersion},
		{"version 2", with(0, 0x40), DropVersion},
		{"length below the fixed part", with(3, 23), DropLength},
		{"length beyond the datagram", with(3, 25), DropLength},
		{"no room for the authentication it announces", with(1, 0xc0|flagAuthenticated), DropLength},
		{"Detect Mult 0", with(2, 0), DropDetectMult},
		{"multipoint", with(1, 0xc0|flagMultipoint), DropMultipoint},
		{"My Discriminator 0", with(4, 0, 0, 0, 0), DropMyDiscriminator},
		{"Up without Your Discriminator", with(8, 0, 0, 0, 0), DropYourDiscriminator},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := new(Packet).Parse(c.in); !errors.Is(err, c.want) {
				t.Errorf("Parse: %v, want %v", err, c.want)
			}
		})
	}
}

func TestParseAcceptsWithoutYourDiscriminator(t *testing.T) {
	for _, state := range []State{Down, AdminDown} {
		p := Packet{State: state, DetectMult: 1, MyDiscriminator: 1}
		if err := new(Packet).Parse(p.Append(nil)); err != nil {
			t.Errorf("%v: %v", state, err)
		}
	}
}

func TestAppendCutsIntervals(t *testing.T) {
	p := Packet{DetectMult: 1, MyDiscriminator: 1, State: Down, DesiredMinTx: 1000 * time.Hour, RequiredMinRx: -1}
	var got Packet
	if err := got.Parse(p.Append(nil)); err != nil {
		t.Fatal(err)
	}
	if want := (1<<32 - 1) * time.Microsecond; got.DesiredMinTx != want || got.RequiredMinRx != 0 {
		t.Errorf("intervals %v and %v, want %v and 0", got.DesiredMinTx, got.RequiredMinRx, want)
	}
}

func FuzzParse(f *testing.F) {
	for _, g := range captured {
		f.Add(golden.Hex(f, g.octets))
	}
	f.Add([]byte{0x20, 0xc4, 3, 26, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		var p Packet
		if err := p.Parse(b); err != nil {
			var cause DropCause
			if !errors.As(err, &cause) {
				t.Fatalf("refusal without a cause: %v", err)
			}
			return
		}
		sent := p
		sent.Authenticated = false // never sent
		var back Packet
		if err := back.Parse(p.Append(nil)); err != nil || back != sent {
			t.Fatalf("%+v comes back as %+v, %v", sent, back, err)
		}
	})
}
