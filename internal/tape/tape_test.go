package tape

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/rbs"
)

// desk is a recorded device with its inputs.
type desk struct {
	t    *testing.T
	now  instant.Time
	dev  *Device
	rng  *rand.Rand
	peer *etrunk.Trunk
	seen int // decisions so far
}

var (
	deskA = netip.MustParseAddr("2001:db8::a")
	deskB = netip.MustParseAddr("2001:db8::b")
)

const deskKey = "a secret of the operator"

func deskTrunk(local, peer netip.Addr, id uint64) etrunk.Config {
	cfg := etrunk.DefaultConfig()
	cfg.ID, cfg.Key, cfg.DeviceID, cfg.Local, cfg.Peer = 1, []byte(deskKey), id, local, peer
	cfg.RevertDelay = 0
	cfg.Members = []etrunk.MemberConfig{{ID: 10, Mode: etrunk.ForceMaster}}
	return cfg
}

func newDesk(t *testing.T, bytes int) *desk {
	origin := instant.FromOrigin(0)
	k := &desk{t: t, now: origin, dev: New(7, 1, time.Unix(1_700_000_000, 0), origin, bytes), rng: rand.New(rand.NewPCG(1, 2))}
	for i, netdev := range []string{"up0", "eth-trunk10"} {
		k.dev.Handle(k.now, device.LinkChanged{Netdev: netdev, Exists: true, Index: i + 1, AdminUp: true, Up: true,
			LinkLocal: netip.MustParseAddr(fmt.Sprintf("fe80::a:%x", i))})
	}
	member := device.Member{ETrunk: 1, EthTrunk: 10}
	err := k.dev.Configure(k.now, device.Settings{
		Interfaces: map[string]device.InterfaceSettings{
			"up0":         {Netdev: "up0", Upstream: true, MLD: mld.DefaultConfig()},
			"Eth-Trunk10": {Netdev: "eth-trunk10", MLD: mld.DefaultConfig(), Profile: "rbp1"},
		},
		ETrunks: map[uint32]etrunk.Config{1: deskTrunk(deskA, deskB, 7)},
		Legs:    map[device.Member]device.LegSettings{member: {Netdev: "eth-trunk10"}},
		Services: map[string]device.ServiceSettings{"rbs1": {
			Config:    rbs.Config{Name: "rbs1", Local: deskA, Peer: deskB, Port: rbs.DefaultPort, Enabled: true},
			Retention: 600 * time.Second,
		}},
		Profiles: map[string]device.ProfileSettings{"rbp1": {BackupID: 10, Service: "rbs1", Member: member, MLD: true, Hot: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	k.peer = etrunk.New(rand.New(rand.NewPCG(3, 4)))
	var fx etrunk.Effects
	if err := k.peer.Configure(k.now, deskTrunk(deskB, deskA, 9), &fx); err != nil {
		t.Fatal(err)
	}
	k.peer.Announce(k.now, 10, etrunk.Announcement{Up: true, Ready: true, Covers: etrunk.AllBuckets}, &fx)
	k.post(&fx)
	k.take()
	return k
}

// post delivers the peer's hellos to the device.
func (k *desk) post(fx *etrunk.Effects) {
	for _, p := range fx.Packets {
		k.dev.Handle(k.now, device.HelloReceived{From: deskB, Packet: p})
	}
	fx.Reset()
}

// take carries out the effects: the peer receives the hellos.
func (k *desk) take() {
	fx := k.dev.Effects(k.now)
	if _, any := decided(fx); any {
		k.seen++
	}
	var answer etrunk.Effects
	for _, h := range fx.Hellos {
		_ = k.peer.Receive(k.now, deskA, "", h.Packet, &answer)
	}
	if len(answer.Packets) > 0 {
		k.post(&answer)
		k.take()
	}
}

// pass advances the time, while hosts come and go.
func (k *desk) pass(d time.Duration) {
	var fx etrunk.Effects
	for end := k.now.Add(d); k.now < end; {
		k.now = k.now.Add(50 * time.Millisecond)
		k.dev.Advance(k.now)
		k.take()
		k.peer.Advance(k.now, &fx)
		k.post(&fx)
		k.take()
		k.stir()
		k.take()
	}
}

// stir gives the device a random input.
func (k *desk) stir() {
	group := netip.MustParseAddr(fmt.Sprintf("ff3e::%x", 1+k.rng.IntN(20)))
	host := netip.MustParseAddr(fmt.Sprintf("fe80::1:%x", 1+k.rng.IntN(5)))
	source := netip.MustParseAddr(fmt.Sprintf("2001:db8:5::%x", 1+k.rng.IntN(3)))
	switch k.rng.IntN(8) {
	case 0, 1:
		rec := mld.GroupRecord{Type: mld.ChangeToExclude, Group: group}
		if k.rng.IntN(2) == 0 {
			rec = mld.GroupRecord{Type: mld.AllowNewSources, Group: group, Sources: []netip.Addr{source}}
		}
		k.report(host, rec)
	case 2:
		k.report(host, mld.GroupRecord{Type: mld.ChangeToInclude, Group: group})
	case 3, 4:
		k.dev.Handle(k.now, device.StreamArrived{Netdev: "up0", Source: source, Group: group})
	case 5:
		up := k.rng.IntN(10) > 0
		k.dev.Handle(k.now, device.LinkChanged{Netdev: "up0", Exists: true, Index: 1, AdminUp: true, Up: up, LinkLocal: netip.MustParseAddr("fe80::a:0")})
	case 6: // an outcome of a connection
		k.dev.Handle(k.now, device.MLDMalformed{Netdev: "eth-trunk10", Err: errEntry})
	case 7:
		var fx etrunk.Effects
		k.peer.Announce(k.now, 10, etrunk.Announcement{Up: true, Ready: k.rng.IntN(2) == 0, Covers: etrunk.AllBuckets}, &fx)
		k.post(&fx)
	}
}

func (k *desk) report(host netip.Addr, rec mld.GroupRecord) {
	k.dev.Handle(k.now, &device.MLDReceived{
		Netdev: "eth-trunk10",
		Meta:   mld.Meta{Src: host, Dst: mld.AllMLDv2Routers, HopLimit: 1, RouterAlert: true},
		Packet: &mld.Packet{Type: mld.TypeReportV2, Records: []mld.GroupRecord{rec}},
	})
}

func (k *desk) write() []byte {
	k.t.Helper()
	var b bytes.Buffer
	if err := k.dev.Recording(k.now).Write(&b); err != nil {
		k.t.Fatal(err)
	}
	return b.Bytes()
}

// replays fails unless the replay of a file makes the recorded decisions.
func replays(t *testing.T, file []byte) Result {
	t.Helper()
	result, err := Replay(bytes.NewReader(file), func(s Step) {
		if s.Differs {
			t.Errorf("at %v after %s: %s", s.At, s.Cause, strings.Join(s.Decisions, "; "))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if result.Decided == 0 || result.Inputs == 0 {
		t.Fatalf("nothing was replayed: %+v", result)
	}
	return result
}

// TestReplayFromBoot: the replay of a recording that begins at the boot makes the same
// decisions.
func TestReplayFromBoot(t *testing.T) {
	k := newDesk(t, 64<<20)
	k.pass(time.Minute)
	file := k.write()
	if r := replays(t, file); r.Decided != k.seen {
		t.Errorf("%d decisions, %d were taken", r.Decided, k.seen)
	}
	if bytes.Contains(file, []byte(deskKey)) {
		t.Error("the security key is in the file")
	}
}

// TestReplayFromCheckpoint: the same for a recording whose beginning was dropped.
func TestReplayFromCheckpoint(t *testing.T) {
	k := newDesk(t, 64<<10)
	for range 20 {
		k.pass(30 * time.Second)
		file := k.write()
		if len(file) > 1<<20 {
			t.Fatalf("a file of %d bytes", len(file))
		}
		replays(t, file)
	}
	if r := replays(t, k.write()); r.From == instant.FromOrigin(0) {
		t.Error("the beginning is still there: the test proves nothing")
	}
}

// TestMask: a masked file contains none of the old addresses, and can be replayed.
func TestMask(t *testing.T) {
	k := newDesk(t, 64<<20)
	k.pass(30 * time.Second)
	file := k.write()
	var masked bytes.Buffer
	if err := Mask(bytes.NewReader(file), &masked); err != nil {
		t.Fatal(err)
	}
	for _, a := range []string{"fe80::1:1", "2001:db8:5::1", "2001:db8::a"} {
		raw := netip.MustParseAddr(a).AsSlice()
		if !bytes.Contains(file, raw) {
			t.Errorf("%s is not in the file: the test proves nothing", a)
		}
		if bytes.Contains(masked.Bytes(), raw) {
			t.Errorf("%s is in the masked file", a)
		}
	}
	was, is := replays(t, file), replays(t, masked.Bytes())
	if was.Inputs != is.Inputs || was.Decided != is.Decided {
		t.Errorf("masked %+v, was %+v", is, was)
	}
}

// TestReplayTellsDifferences: the replay of a changed file reports the differences.
func TestReplayTellsDifferences(t *testing.T) {
	k := newDesk(t, 64<<20)
	k.pass(5 * time.Second)
	f, err := read(bytes.NewReader(k.write()))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := newWriter(&b)
	if err := w.start(f.Start); err != nil {
		t.Fatal(err)
	}
	dropped := 0
	err = f.each(func(e *Entry) error {
		if e.Kind == kindMLD {
			dropped++
			return nil
		}
		return w.entry(e)
	})
	if err == nil {
		err = w.w.Flush()
	}
	if err != nil || dropped == 0 {
		t.Fatal(err, dropped)
	}
	result, err := Replay(&b, func(Step) {})
	if err != nil || result.Differing == 0 {
		t.Errorf("%+v, %v: the missing reports are not noticed", result, err)
	}
}

// FuzzReplay: a file with any content leads to an error at most, not to a panic.
func FuzzReplay(f *testing.F) {
	k := newDesk(&testing.T{}, 64<<20)
	k.pass(time.Second)
	var b bytes.Buffer
	if err := k.dev.Recording(k.now).Write(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(magic))
	f.Add([]byte("tandem recording 2\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) > 1<<20 {
			t.Skip()
		}
		_, _ = Replay(bytes.NewReader(file), func(Step) {})
	})
}

// FuzzEntry: an entry that can be decoded is encoded as the same bytes.
func FuzzEntry(f *testing.F) {
	k := newDesk(&testing.T{}, 64<<20)
	k.pass(5 * time.Second)
	_, err := eachEntry(k.dev.ring.now.chunks[0], instant.FromOrigin(0), func(e *Entry) error {
		b, err := appendEntry(nil, instant.FromOrigin(0), e)
		f.Add(b)
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, _, err := parseEntry(b, instant.FromOrigin(0))
		if err != nil {
			return
		}
		again, err := appendEntry(nil, instant.FromOrigin(0), &e)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := parseEntry(again, instant.FromOrigin(0)); err != nil {
			t.Fatalf("%+v written as %x: %v", e, again, err)
		}
	})
}
