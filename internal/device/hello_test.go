package device

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"tandem/internal/etrunk"
	"tandem/internal/instant"
)

// A hello that is damaged, of another version or for another E-Trunk is counted by its
// cause if its sender is the peer. Hellos of strangers have a counter of their own.
func TestHellosAreCountedByCause(t *testing.T) {
	r := newRig(t)
	cfg := r.dev.trunks.get(1).cfg
	cfg.DeviceID, cfg.Local, cfg.Peer = 9, cfg.Peer, cfg.Local
	peer, fx := etrunk.New(rand.New(rand.NewPCG(1, 2))), etrunk.Effects{}
	if err := peer.Configure(instant.FromOrigin(0), cfg, &fx); err != nil {
		t.Fatal(err)
	}
	peer.Advance(instant.FromOrigin(0), &fx)
	changed := func(at int, b byte) []byte {
		packet := append([]byte(nil), fx.Packets[0]...)
		packet[at] = b
		return packet
	}
	stranger := netip.MustParseAddr("2001:db8::c")
	for _, c := range []struct {
		name   string
		from   netip.Addr
		packet []byte
		count  func(*etrunk.Counters) uint64 // nil: the hello of a stranger
	}{
		{"short", cfg.Local, fx.Packets[0][:50], func(c *etrunk.Counters) uint64 { return c.BadLength }},
		{"cut", cfg.Local, fx.Packets[0][:120], func(c *etrunk.Counters) uint64 { return c.BadLength }},
		{"no hello", cfg.Local, changed(0, 'X'), func(c *etrunk.Counters) uint64 { return c.BadFormat }},
		{"next version", cfg.Local, changed(4, 2), func(c *etrunk.Counters) uint64 { return c.BadVersion }},
		{"another E-Trunk", cfg.Local, changed(11, 2), func(c *etrunk.Counters) uint64 { return c.UnknownTrunk }},
		{"altered", cfg.Local, changed(15, 99), func(c *etrunk.Counters) uint64 { return c.BadDigest }},
		{"whole, from elsewhere", stranger, fx.Packets[0], func(c *etrunk.Counters) uint64 { return c.WrongAddress }},
		{"short, from elsewhere", stranger, fx.Packets[0][:50], nil},
		{"another E-Trunk, from elsewhere", stranger, changed(11, 2), nil},
	} {
		for range 2 {
			count := func() uint64 { return r.dev.kept.Counters.HelloUnknown }
			if c.count != nil {
				count = func() uint64 { s := r.dev.trunks.get(1).core.State(r.now); return c.count(&s.Counters) }
			}
			before := count()
			r.handle(HelloReceived{From: c.from, Packet: c.packet})
			if got := count() - before; got != 1 {
				t.Errorf("%s: counted %d times", c.name, got)
			}
		}
	}
}
