package bfd

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"tandem/internal/instant"
)

// world is two devices with a cable between them, on virtual time.
type world struct {
	t        testing.TB
	now      instant.Time
	delay    time.Duration
	cut      bool
	lose     [2]bool         // packets that a device sends are lost
	asleep   [2]instant.Time // until when a device does nothing; packets to it wait
	devices  [2]*Table
	fx       Effects
	inFlight []flight
	events   []string
}

type flight struct {
	to       int
	at       instant.Time // when the device can read it
	received instant.Time // set while the packet waits for a device that is asleep
	meta     Meta
	b        []byte
}

const cableIndex = 5

func newWorld(t testing.TB, a, b []Config) *world {
	w := &world{t: t, now: instant.FromOrigin(0), delay: 100 * time.Microsecond}
	for i, cfgs := range [][]Config{a, b} {
		w.devices[i] = NewTable(rand.New(rand.NewPCG(uint64(i), 7)))
		if err := w.devices[i].Configure(w.now, cfgs, &w.fx); err != nil {
			t.Fatal(err)
		}
		w.carry(i)
		w.link(i, "eth0", true)
	}
	return w
}

func (w *world) link(i int, name string, up bool) {
	w.devices[i].SetLink(w.now, name, cableIndex, up, &w.fx)
	w.carry(i)
}

// carry puts the packets of device i on the cable, and records its events.
func (w *world) carry(i int) {
	for _, s := range w.fx.Sends {
		if w.cut || w.lose[i] {
			continue
		}
		m := Meta{Src: s.Src, Dst: s.Dst, Ifindex: cableIndex, HopLimit: 255, Multihop: s.Multihop}
		w.inFlight = append(w.inFlight, flight{to: 1 - i, at: w.now.Add(w.delay), meta: m, b: s.Packet.Append(nil)})
	}
	for _, e := range w.fx.Events {
		w.events = append(w.events, fmt.Sprintf("%c %s %v", 'A'+i, e.Session, e.State))
	}
	w.fx.Reset()
}

// run lets time pass.
func (w *world) run(d time.Duration) {
	for end := w.now.Add(d); ; {
		next, found := end, false
		for _, f := range w.inFlight {
			if f.at <= next {
				next, found = f.at, true
			}
		}
		for i, dev := range w.devices {
			if at := dev.Deadline(); at.IsSet() && max(at, w.asleep[i]) <= next {
				next, found = max(at, w.asleep[i]), true
			}
		}
		w.now = max(w.now, next)
		if !found {
			return
		}
		w.deliver()
		for i, dev := range w.devices {
			if w.asleep[i] <= w.now {
				dev.Advance(w.now, &w.fx)
				w.carry(i)
			}
		}
	}
}

func (w *world) deliver() {
	due := w.inFlight
	w.inFlight = nil
	for _, f := range due {
		if f.at > w.now {
			w.inFlight = append(w.inFlight, f)
			continue
		}
		if !f.received.IsSet() {
			f.received = w.now
		}
		if w.asleep[f.to] > w.now {
			f.at = w.asleep[f.to]
			w.inFlight = append(w.inFlight, f)
			continue
		}
		f.meta.Received, f.meta.Waited = f.received, w.now.Sub(f.received)
		_ = w.devices[f.to].Receive(w.now, &f.meta, f.b, &w.fx)
		w.carry(f.to)
	}
}

func (w *world) states() (a, b State) {
	return w.devices[0].Snapshot(w.now, nil)[0].State, w.devices[1].Snapshot(w.now, nil)[0].State
}

func configB() Config {
	return Config{Name: "ba", Local: addrB, Peer: addrA, Interface: "eth0",
		LocalDiscriminator: 2, RemoteDiscriminator: 1}.withDefaults()
}

func TestTwoDevices(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(*Config)
	}{
		{"single hop", func(*Config) {}},
		{"multihop", func(c *Config) { c.Interface = "" }},
		{"discriminator learnt", func(c *Config) { c.RemoteDiscriminator = 0 }},
		{"interface tracked", func(c *Config) { c.TrackInterface = "eth0" }},
		{"detect multiplier 1", func(c *Config) { c.DetectMult = 1 }},
		{"slow", func(c *Config) { c.MinTx, c.MinRx = 2*time.Second, 2*time.Second }},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := configA(), configB()
			c.edit(&a)
			c.edit(&b)
			w := newWorld(t, []Config{a}, []Config{b})
			w.run(5 * time.Second)
			if a, b := w.states(); a != Up || b != Up {
				t.Fatalf("A %v, B %v: %v", a, b, w.events)
			}
			s := w.devices[0].Snapshot(w.now, nil)[0]
			if s.ActualTx != a.MinTx || s.DetectTime != time.Duration(a.DetectMult)*a.MinTx || s.Polling {
				t.Errorf("Tx %v, detection %v, polling %v", s.ActualTx, s.DetectTime, s.Polling)
			}
			w.run(time.Minute)
			if s := w.devices[0].Snapshot(w.now, nil)[0]; s.Flaps != 0 {
				t.Errorf("%d flaps on a good cable", s.Flaps)
			}
			if d := w.devices[0].Counters().Dropped(); d != 0 {
				t.Errorf("%d packets dropped", d)
			}
		})
	}
}

func TestCutIsDetectedAndHeals(t *testing.T) {
	w := newWorld(t, []Config{configA()}, []Config{configB()})
	w.run(5 * time.Second)
	w.cut = true
	w.run(30*ms + w.delay)
	if a, b := w.states(); a == Up || b == Up {
		t.Fatalf("A %v, B %v 30 ms after the cut", a, b)
	}
	w.run(10 * time.Second)
	w.cut = false
	w.run(2 * time.Second)
	if a, b := w.states(); a != Up || b != Up {
		t.Fatalf("A %v, B %v 2 s after the cable is whole", a, b)
	}
}

func TestRestartedPeerIsSeenBeforeItsDetectionTime(t *testing.T) {
	w := newWorld(t, []Config{configA()}, []Config{configB()})
	w.run(5 * time.Second)
	w.events = nil
	w.devices[1] = NewTable(rand.New(rand.NewPCG(8, 9)))
	if err := w.devices[1].Configure(w.now, []Config{configB()}, &w.fx); err != nil {
		t.Fatal(err)
	}
	w.link(1, "eth0", true)
	w.run(5 * ms)
	if len(w.events) == 0 || w.events[0] != "A ab Down" {
		t.Errorf("events %v, want A's Down first", w.events)
	}
	if a, b := w.states(); a != Up || b != Up {
		t.Errorf("A %v, B %v", a, b)
	}
}

func TestReconfigureKeepsWhatItCan(t *testing.T) {
	w := newWorld(t, []Config{configA()}, []Config{configB()})
	w.run(5 * time.Second)
	c := configA()
	c.MinTx, c.Description = 50*ms, "new"
	if err := w.devices[0].Configure(w.now, []Config{c}, &w.fx); err != nil {
		t.Fatal(err)
	}
	w.carry(0)
	w.run(time.Second)
	s := w.devices[0].Snapshot(w.now, nil)[0]
	if s.Flaps != 0 || s.ActualTx != 50*ms || s.Description != "new" {
		t.Errorf("after new intervals: %+v", s)
	}
	if d := w.devices[1].Snapshot(w.now, nil)[0].DetectTime; d != 150*ms {
		t.Errorf("the peer detects in %v, want 150ms", d)
	}

	c.LocalDiscriminator = 9 // another session, which the peer does not expect
	if err := w.devices[0].Configure(w.now, []Config{c}, &w.fx); err != nil {
		t.Fatal(err)
	}
	w.carry(0)
	w.run(ms)
	if _, b := w.states(); b != Down {
		t.Errorf("peer of a replaced session is %v", b)
	}
}

func TestCloseTellsPeers(t *testing.T) {
	w := newWorld(t, []Config{configA()}, []Config{configB()})
	w.run(5 * time.Second)
	w.devices[0].Close(w.now, &w.fx)
	w.carry(0)
	w.run(ms)
	s := w.devices[1].Snapshot(w.now, nil)[0]
	if s.State == Up || s.Diagnostic != DiagNeighborSignaledDown {
		t.Errorf("peer of a closed table: %v, %q", s.State, s.Diagnostic)
	}
	if len(w.devices[0].Snapshot(w.now, nil)) != 0 {
		t.Error("sessions are left after Close")
	}
}

func TestDemultiplexing(t *testing.T) {
	linkLocal := netip.MustParseAddr("fe80::1")
	other := Config{Name: "other", Local: netip.MustParseAddr("fe80::2"), Peer: linkLocal, Interface: "eth1",
		LocalDiscriminator: 10}
	same := other // the same addresses on another link
	same.Name, same.Interface, same.LocalDiscriminator = "same", "eth2", 11
	far := Config{Name: "far", Peer: addrB, LocalDiscriminator: 12}
	eth0 := Meta{Src: addrB, Dst: addrA, Ifindex: 5, HopLimit: 255}
	eth2 := Meta{Src: linkLocal.WithZone("eth2"), Dst: other.Local, Ifindex: 7, HopLimit: 255}
	edit := func(m Meta, f func(*Meta)) Meta { f(&m); return m }

	for _, c := range []struct {
		name  string
		meta  Meta
		your  uint32
		want  string
		cause error
	}{
		{"by discriminator", eth0, 1, "ab", nil},
		{"by addresses", eth0, 0, "ab", nil},
		{"by addresses and interface", eth2, 0, "same", nil},
		{"multihop without local address", edit(eth0, func(m *Meta) { m.Multihop, m.HopLimit = true, 250 }), 0, "far", nil},
		{"hop limit 254", edit(eth0, func(m *Meta) { m.HopLimit = 254 }), 1, "", DropHopLimit},
		{"unknown discriminator", eth0, 99, "", DropNoSession},
		{"unknown addresses", edit(eth0, func(m *Meta) { m.Src = addrA }), 0, "", DropNoSession},
		{"unknown interface", edit(eth0, func(m *Meta) { m.Ifindex = 99 }), 1, "", DropInterface},
		{"another interface", edit(eth0, func(m *Meta) { m.Ifindex = 6 }), 1, "", DropInterface},
		{"single hop for a multihop session", eth0, 12, "", DropInterface},
		{"multihop for a single-hop session", edit(eth0, func(m *Meta) { m.Multihop = true }), 1, "", DropInterface},
		{"another peer", edit(eth0, func(m *Meta) { m.Src = linkLocal }), 1, "", DropAddress},
		{"to another address of ours", edit(eth0, func(m *Meta) { m.Dst = linkLocal }), 1, "", DropAddress},
	} {
		t.Run(c.name, func(t *testing.T) {
			var fx Effects
			table := NewTable(rand.New(rand.NewPCG(1, 1)))
			for i, name := range []string{"eth0", "eth1", "eth2"} {
				table.SetLink(instant.FromOrigin(0), name, 5+i, true, &fx)
			}
			if err := table.Configure(instant.FromOrigin(0), []Config{configA(), other, same, far}, &fx); err != nil {
				t.Fatal(err)
			}
			p := Packet{State: Down, DetectMult: 3, MyDiscriminator: 2, YourDiscriminator: c.your,
				DesiredMinTx: ms, RequiredMinRx: ms}
			if err := table.Receive(instant.FromOrigin(0), &c.meta, p.Append(nil), &fx); !errors.Is(err, c.cause) {
				t.Fatalf("Receive: %v, want %v", err, c.cause)
			}
			for _, s := range table.Snapshot(instant.FromOrigin(0), nil) {
				if got := s.Received != 0; got != (s.Name == c.want) {
					t.Errorf("session %s received: %v", s.Name, got)
				}
			}
			if counters := table.Counters(); (counters.Dropped() == 1) != (c.cause != nil) || counters.Received != 1 {
				t.Errorf("counters %+v", counters)
			}
		})
	}
}

func TestInterfaceReturnsWithAnotherIndex(t *testing.T) {
	var fx Effects
	table := NewTable(rand.New(rand.NewPCG(1, 1)))
	if err := table.Configure(instant.FromOrigin(0), []Config{configA()}, &fx); err != nil {
		t.Fatal(err)
	}
	if table.Deadline().IsSet() || len(fx.Sends) != 0 {
		t.Error("sends before its interface is known")
	}
	if s := table.Snapshot(instant.FromOrigin(0), nil)[0]; !s.InterfaceMissing {
		t.Errorf("interface not reported missing: %+v", s)
	}
	table.SetLink(instant.FromOrigin(0), "eth0", 5, true, &fx)
	table.SetLink(instant.FromOrigin(0), "eth0", 0, false, &fx)
	fx.Reset()
	table.SetLink(instant.FromOrigin(0), "eth0", 8, true, &fx)
	if len(fx.Sends) != 1 || fx.Sends[0].Ifindex != 8 {
		t.Errorf("after its return: %+v", fx.Sends)
	}
	meta := Meta{Src: addrB, Dst: addrA, Ifindex: 5, HopLimit: 255}
	p := Packet{State: Down, DetectMult: 3, MyDiscriminator: 2}
	if err := table.Receive(instant.FromOrigin(0), &meta, p.Append(nil), &fx); !errors.Is(err, DropInterface) {
		t.Errorf("packet by the old index: %v", err)
	}
}

func TestConfigureRefuses(t *testing.T) {
	for _, c := range []struct {
		field string
		edit  func(*Config)
	}{
		{"Name", func(c *Config) { c.Name = "" }},
		{"Peer", func(c *Config) { c.Peer = netip.Addr{} }},
		{"Peer", func(c *Config) { c.Peer = netip.MustParseAddr("192.0.2.1") }},
		{"Peer", func(c *Config) { c.Peer = netip.MustParseAddr("ff02::1") }},
		{"Peer", func(c *Config) { c.Peer = c.Local }},
		{"Peer", func(c *Config) { c.Peer, c.Interface = netip.MustParseAddr("fe80::1"), "" }},
		{"Local", func(c *Config) { c.Local = netip.IPv6Unspecified() }},
		{"LocalDiscriminator", func(c *Config) { c.LocalDiscriminator = 0 }},
		{"MinTx", func(c *Config) { c.MinTx = time.Microsecond }},
		{"MinRx", func(c *Config) { c.MinRx = time.Hour }},
		{"TOSExp", func(c *Config) { c.TOSExp = 8 }},
		// Conflicts with the session that exists already:
		{"Name", func(c *Config) { c.Name = "ab" }},
		{"LocalDiscriminator", func(c *Config) { c.LocalDiscriminator = 1 }},
		{"Peer", func(c *Config) { c.Peer, c.Local = addrB, addrA }},
	} {
		bad := Config{Name: "bad", Local: addrA, Peer: netip.MustParseAddr("2001:db8::c"), Interface: "eth0", LocalDiscriminator: 5}
		c.edit(&bad)
		var fx Effects
		table := NewTable(rand.New(rand.NewPCG(1, 1)))
		err := table.Configure(instant.FromOrigin(0), []Config{configA(), bad}, &fx)
		var refusal *ConfigError
		if !errors.As(err, &refusal) || refusal.Field != c.field || refusal.Session != bad.Name {
			t.Errorf("%+v: %v, want a refusal of %s", bad, err, c.field)
		}
		if len(table.Snapshot(instant.FromOrigin(0), nil)) != 0 {
			t.Errorf("%v: sessions were made all the same", err)
		}
	}
}

// FuzzTable passes hostile packets to a device that also has a session with a good peer.
// Packets that are not of that session must not disturb it.
func FuzzTable(f *testing.F) {
	f.Add([]byte{0x20, 0xc0, 3, 24, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0}, uint8(254), uint16(0))
	f.Add([]byte{0x20, 0x40, 3, 24, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0}, uint8(255), uint16(1))
	f.Fuzz(func(t *testing.T, b []byte, hopLimit uint8, from uint16) {
		w := newWorld(t, []Config{configA()}, []Config{configB()})
		w.run(3 * time.Second)
		src := addrB.As16()
		src[0] ^= byte(from >> 8)
		src[1] ^= byte(from)
		meta := Meta{Src: netip.AddrFrom16(src), Dst: addrA, Ifindex: cableIndex, HopLimit: int(hopLimit), Received: w.now}
		before := w.devices[0].Counters()
		err := w.devices[0].Receive(w.now, &meta, b, &w.fx)
		after := w.devices[0].Counters()
		if (err != nil) != (after.Dropped() == before.Dropped()+1) {
			t.Fatalf("error %v, drops %d after %d", err, after.Dropped(), before.Dropped())
		}
		forged := meta.Src != addrB || hopLimit != 255
		if forged && err == nil {
			t.Fatal("a packet from elsewhere was accepted")
		}
		w.carry(0)
		w.run(100 * ms)
		if a, b := w.states(); err != nil && (a != Up || b != Up) {
			t.Fatalf("refused (%v), yet A is %v and B %v", err, a, b)
		}
	})
}

func BenchmarkReceive(b *testing.B) {
	w := newWorld(b, []Config{configA()}, []Config{configB()})
	w.run(5 * time.Second)
	meta := Meta{Src: addrB, Dst: addrA, Ifindex: cableIndex, HopLimit: 255}
	p := Packet{State: Up, DetectMult: 3, MyDiscriminator: 2, YourDiscriminator: 1, DesiredMinTx: 10 * ms, RequiredMinRx: 10 * ms}
	octets := p.Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		w.now = w.now.Add(ms)
		meta.Received = w.now
		_ = w.devices[0].Receive(w.now, &meta, octets, &w.fx)
		w.devices[0].Advance(w.now, &w.fx)
		w.fx.Reset()
	}
}
