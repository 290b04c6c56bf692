package etrunk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tandem/internal/golden"
)

var (
	addrA = netip.MustParseAddr("2001:db8::a")
	addrB = netip.MustParseAddr("2001:db8::b")
)

// goldenHello is the example of docs/protocol/etrunk.md. A separate program has made it
// from that page.
var goldenHello = Hello{
	ETrunk: 7, AckWanted: true, Preferred: true, SequenceMode: true,
	Role: DeviceMaster, Reason: ReasonPriority, Priority: 10,
	SystemID: SystemID{0x00, 0xe0, 0xfc, 0, 0, 1}, DeviceID: 0x1111111111111111,
	Epoch: 0x2222222222222222, Sequence: 42,
	Challenge: 0x3333333333333333, Echo: 0x4444444444444444, PeerEpoch: 0x5555555555555555,
	Change: 9, ChangeEcho: 8, FailTime: 20 * time.Second,
	Members: []HelloMember{
		{ID: 10, Remote: 10, Mode: ForceMaster, Reason: ReasonForceMaster, Work: WorkLACP, Announcement: Announcement{
			Up: true, Ready: true, Role: MemberMaster, Covers: Bucket0, Key: 0x1021}},
		{ID: 20, Remote: 21, Mode: Auto, Reason: ReasonPeerMemberUp, Held: true, Work: WorkManual, Announcement: Announcement{
			Mute: true, Lack: LackInterface}},
	},
	Certificate: [certificateLen]byte{
		0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31},
	LACP:     LACPSystem{SystemID{0x00, 0xe0, 0xfc, 0, 0, 9}, 100},
	Profiles: []Profile{{Member: 10, BackupID: 10, Hot: true, MLD: true}, {Member: 20, BackupID: 4000000000, MLD: true}},
}

func goldenKey(t testing.TB, mode AuthMode) *Key {
	t.Helper()
	k, err := NewKey(mode, []byte("Tandem-Key"), 7, addrA, addrB)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// examplePacket reads the example. The page lists the digest of the enhanced mode
// separately.
func examplePacket(t testing.TB, mode AuthMode) []byte {
	t.Helper()
	blocks := golden.Code(golden.Section(t, page(t), "### 2.2 Example"))
	b := golden.Hex(t, blocks[0])
	if mode == EnhancedHMACSHA256 {
		copy(b[len(b)-digestLen:], golden.Hex(t, blocks[1]))
		b[5] = 2
	}
	return b
}

func TestHelloGolden(t *testing.T) {
	for _, mode := range []AuthMode{HMACSHA256, EnhancedHMACSHA256} {
		want, key := examplePacket(t, mode), goldenKey(t, mode)
		got, err := goldenHello.Append([]byte("before"), key)
		if err != nil {
			t.Fatal(err)
		}
		if got := got[len("before"):]; !bytes.Equal(got, want) {
			t.Errorf("%v: made\n%x, want\n%x", mode, got, want)
		}
		var h Hello
		if err := h.Parse(want, key); err != nil {
			t.Fatalf("%v: %v", mode, err)
		}
		if d := cmp.Diff(goldenHello, h); d != "" {
			t.Errorf("%v: decoded differently (-want +got):\n%s", mode, d)
		}
		if id, err := PeekID(want); id != 7 || err != nil {
			t.Errorf("PeekID: %d, %v", id, err)
		}
	}
}

// sign sets the length and the digest after a test has changed b.
func sign(b []byte, key *Key) []byte {
	body := b[:len(b)-digestLen]
	binary.BigEndian.PutUint16(body[6:], uint16(len(b)))
	return key.appendDigest(bytes.Clone(body), body)
}

// insert inserts bytes before the digest.
func insert(b []byte, extra ...byte) []byte {
	at := len(b) - digestLen
	return append(append(bytes.Clone(b[:at]), extra...), b[at:]...)
}

func TestHelloRefused(t *testing.T) {
	set := func(at int, v ...byte) func([]byte, *Key) []byte {
		return func(b []byte, k *Key) []byte { copy(b[at:], v); return sign(b, k) }
	}
	add := func(v ...byte) func([]byte, *Key) []byte {
		return func(b []byte, k *Key) []byte { return sign(insert(b, v...), k) }
	}
	tests := []struct {
		name string
		edit func([]byte, *Key) []byte
		want Cause
	}{
		{"empty", func([]byte, *Key) []byte { return nil }, CauseBadLength},
		{"short", func(b []byte, _ *Key) []byte { return b[:headerLen+digestLen-1] }, CauseBadLength},
		{"cut", func(b []byte, _ *Key) []byte { return b[:len(b)-1] }, CauseBadLength},
		{"padded", func(b []byte, _ *Key) []byte { return append(b, 0) }, CauseBadLength},
		{"too long", func(b []byte, _ *Key) []byte { return append(b, make([]byte, MaxPacket)...) }, CauseBadLength},
		{"magic", set(0, 'X'), CauseBadFormat},
		{"version", set(4, 2), CauseBadVersion},
		{"auth mode", set(5, 1), CauseBadAuthMode},
		{"one bit of the body", func(b []byte, _ *Key) []byte { b[20] ^= 1; return b }, CauseBadDigest},
		{"one bit of the digest", func(b []byte, _ *Key) []byte { b[len(b)-1] ^= 1; return b }, CauseBadDigest},
		{"role", set(13, 3), CauseBadFormat},
		{"reason", set(14, 5), CauseBadFormat},
		{"priority 0", set(15, 0), CauseBadFormat},
		{"priority 255", set(15, 255), CauseBadFormat},
		{"epoch 0", set(32, make([]byte, 8)...), CauseBadFormat},
		{"challenge 0", set(48, make([]byte, 8)...), CauseBadFormat},
		{"half a TLV header", add(0, 9, 0), CauseBadFormat},
		{"TLV longer than the packet", add(0, 9, 0, 1), CauseBadFormat},
		{"short member", add(0, 1, 0, 2, 0, 0), CauseBadFormat},
		{"short LACP system", add(0, 2, 0, 7, 0, 0, 0, 0, 0, 0, 0), CauseBadFormat},
		{"short profile", add(0, 3, 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), CauseBadFormat},
		{"short certificate", add(0, 4, 0, 1, 0), CauseBadFormat},
		{"member mode", set(headerLen+4+8, 3), CauseBadFormat},
		{"member role", set(headerLen+4+9, 2), CauseBadFormat},
		{"member reason", set(headerLen+4+10, 7), CauseBadFormat},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			key := goldenKey(t, EnhancedHMACSHA256)
			err := new(Hello).Parse(tt.edit(examplePacket(t, EnhancedHMACSHA256), key), key)
			var d *DropError
			if !errors.As(err, &d) || d.Cause != tt.want {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestHelloOfALaterRelease(t *testing.T) {
	key := goldenKey(t, EnhancedHMACSHA256)
	longer := append([]byte{0, 1, 0, memberLen + 2}, make([]byte, memberLen+2)...)
	longer[7] = 30
	b := insert(examplePacket(t, EnhancedHMACSHA256), 0, 99, 0, 3, 1, 2, 3)
	b = sign(insert(b, longer...), key)
	var h Hello
	if err := h.Parse(b, key); err != nil {
		t.Fatal(err)
	}
	if len(h.Members) != 3 || h.Members[2].ID != 30 {
		t.Errorf("members %+v", h.Members)
	}
}

// TestHelloOfAnEarlierRelease: the decoder accepts members without the fields that are only
// compared.
func TestHelloOfAnEarlierRelease(t *testing.T) {
	key := goldenKey(t, EnhancedHMACSHA256)
	old := append([]byte{0, 1, 0, oldMemberLen}, make([]byte, oldMemberLen)...)
	old[7] = 30
	b := examplePacket(t, EnhancedHMACSHA256)
	b = append(bytes.Clone(b[:headerLen]), b[len(b)-digestLen:]...)
	var h Hello
	if err := h.Parse(sign(insert(b, old...), key), key); err != nil {
		t.Fatal(err)
	}
	if len(h.Members) != 1 || h.Members[0].ID != 30 || h.Members[0].Work != WorkUnknown || h.LACP != (LACPSystem{}) || h.Certificate != [certificateLen]byte{} {
		t.Errorf("%+v", h)
	}
}

func TestKeyContext(t *testing.T) {
	b := examplePacket(t, EnhancedHMACSHA256)
	for name, k := range map[string][3]any{
		"direction": {uint32(7), addrB, addrA},
		"e-trunk":   {uint32(8), addrA, addrB},
	} {
		key, err := NewKey(EnhancedHMACSHA256, []byte("Tandem-Key"), k[0].(uint32), k[1].(netip.Addr), k[2].(netip.Addr))
		if err != nil {
			t.Fatal(err)
		}
		if key.verify(b) {
			t.Errorf("the digest holds for another %s", name)
		}
	}
	if _, err := NewKey(HMACSHA256, nil, 7, addrA, addrB); err == nil {
		t.Error("an empty key was taken")
	}
}

func TestMostMembersFit(t *testing.T) {
	key := goldenKey(t, HMACSHA256)
	h := goldenHello
	h.Members, h.Profiles = make([]HelloMember, 27), make([]Profile, 33)
	b, err := h.Append(nil, key)
	if err != nil || len(b) > MaxPacket || MaxPacket-len(b) >= tlvHeaderLen+profileLen {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	if err := new(Hello).Parse(b, key); err != nil {
		t.Error(err)
	}
	h.Profiles = make([]Profile, 34)
	if _, err := h.Append(nil, key); err == nil {
		t.Error("one more was taken")
	}
}

// FuzzHello signs its input, so that the decoder accepts the digest. It checks that a
// decoded hello is encoded as the same bytes.
func FuzzHello(f *testing.F) {
	key := goldenKey(f, HMACSHA256)
	f.Add(examplePacket(f, HMACSHA256))
	f.Add(insert(examplePacket(f, HMACSHA256), 0, 99, 0, 1, 0))
	f.Add(examplePacket(f, HMACSHA256)[:headerLen+digestLen])
	f.Fuzz(func(t *testing.T, b []byte) {
		var h Hello
		_ = h.Parse(b, key)
		if len(b) < headerLen+digestLen || len(b) > MaxPacket {
			return
		}
		b = bytes.Clone(b)
		copy(b, magic[:])
		b[4], b[5] = version, 1
		if h.Parse(sign(b, key), key) != nil {
			return
		}
		if helloLen(len(h.Members), len(h.Profiles)) > MaxPacket { // too many shorter members of an earlier release
			return
		}
		again, err := h.Append(nil, key)
		if err != nil {
			t.Fatal(err)
		}
		var h2 Hello
		if err := h2.Parse(again, key); err != nil {
			t.Fatalf("made %x: %v", again, err)
		}
		if d := cmp.Diff(h, h2); d != "" {
			t.Fatal(d)
		}
	})
}
