package pim

import (
	"errors"
	"net/netip"
	"testing"
	"time"
)

// hellos returns the hellos that an interface has sent since the last call.
func (x *rig) hellos(iface string) (list []*Hello) {
	for _, p := range x.sent {
		if h, is := x.parse(p).(*Hello); is && p.Interface == iface {
			list = append(list, h)
		}
	}
	x.sent = nil
	return list
}

// TestHellos: when hellos are sent and what they contain (section 4.3.1).
func TestHellos(t *testing.T) {
	x := newRig(t, DefaultConfig())
	x.run(5 * time.Second)
	first := x.hellos("a")
	if len(first) != 1 || first[0].HoldTime != 105*time.Second || !first[0].HasGenerationID || first[0].DRPriority != 1 {
		t.Fatalf("first hellos %+v", first)
	}
	x.run(300 * time.Second)
	if n := len(x.hellos("a")); n != 10 {
		t.Errorf("%d hellos in 300 s", n)
	}
	x.meet("a", n1)
	x.run(5 * time.Second)
	if n := len(x.hellos("a")); n != 1 {
		t.Errorf("%d hellos within 5 s after a new neighbor", n)
	}
	if err := x.hear("a", n1, helloOf(8)); err != nil {
		t.Fatal(err)
	}
	x.run(5 * time.Second)
	if n := len(x.hellos("a")); n != 1 {
		t.Errorf("%d hellos within 5 s after a neighbor has started again", n)
	}

	// New settings and addresses are announced at once.
	cfg, link := DefaultInterfaceConfig(), upLink
	cfg.DRPriority, link.Others = 9, []netip.Addr{s1}
	x.r.SetInterface(x.now, "a", cfg, link, &x.fx)
	x.run(0)
	if h := x.hellos("a"); len(h) != 1 || h[0].DRPriority != 9 || len(h[0].Addresses) != 1 || h[0].GenerationID != first[0].GenerationID {
		t.Errorf("hellos after a change %+v", h)
	}

	// A link that comes up again gets another generation ID.
	x.r.SetInterface(x.now, "a", cfg, Link{LinkLocal: self}, &x.fx)
	x.effects()
	x.run(time.Minute)
	if n := len(x.hellos("a")); n != 0 {
		t.Errorf("%d hellos while the link is down", n)
	}
	if len(x.r.Interfaces(x.now)[0].Neighbors) != 0 {
		t.Error("a neighbor is believed in behind a link that is down")
	}
	x.r.SetInterface(x.now, "a", cfg, link, &x.fx)
	x.run(5 * time.Second)
	if h := x.hellos("a"); len(h) != 1 || h[0].GenerationID == first[0].GenerationID {
		t.Errorf("hellos after the link is up again %+v", h)
	}
	x.r.RemoveInterface(x.now, "a", &x.fx)
	x.effects()
	if h := x.hellos("a"); len(h) != 1 || h[0].HoldTime != 0 || !h[0].HasHoldTime {
		t.Errorf("good-bye %+v", h)
	}
}

// TestHelloBeforeJoin: a hello is sent before the first join, because a neighbor that has
// no hello of this router drops the join (section 4.3.1).
func TestHelloBeforeJoin(t *testing.T) {
	x := newRig(t, DefaultConfig())
	x.want(ssm1, Wants{Sources: []netip.Addr{s1}})
	x.route(s1, via("a", n1))
	x.meet("a", n1)
	x.run(0)
	if len(x.sent) != 2 {
		t.Fatalf("%d messages at once", len(x.sent))
	}
	_, hello := x.parse(x.sent[0]).(*Hello)
	_, join := x.parse(x.sent[1]).(*JoinPrune)
	if !hello || !join {
		t.Error("the join does not follow a hello")
	}
}

// TestNeighborLiveness: hold times, good-byes, and hellos without the hold time option.
func TestNeighborLiveness(t *testing.T) {
	for _, tc := range []struct {
		name  string
		hello Hello
		lives time.Duration
	}{
		{"hold time", Hello{HoldTime: 10 * time.Second, HasHoldTime: true}, 10 * time.Second},
		{"default", Hello{}, 105 * time.Second},
		{"for good", Hello{HoldTime: Forever, HasHoldTime: true}, 0},
		{"good-bye", Hello{HasHoldTime: true}, -1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			x := newRig(t, DefaultConfig())
			has := func() bool { return len(x.r.Interfaces(x.now)[0].Neighbors) == 1 }
			x.meet("a", n1)
			if err := x.hear("a", n1, &tc.hello); err != nil {
				t.Fatal(err)
			}
			if tc.lives < 0 {
				if has() {
					t.Error("a neighbor that has said good-bye is there")
				}
				return
			}
			x.run(max(tc.lives, time.Hour) - time.Hour + tc.lives - 1)
			if !has() {
				t.Error("expired too early")
			}
			if x.run(1); has() != (tc.lives == 0) {
				t.Error("not as long as its hold time")
			}
		})
	}
}

// TestDesignatedRouter: the election of the designated router (section 4.3.2).
func TestDesignatedRouter(t *testing.T) {
	hello := func(priority uint32, has bool) *Hello {
		h := helloOf(7)
		h.DRPriority, h.HasDRPriority = priority, has
		return h
	}
	for _, tc := range []struct {
		name        string
		first, then *Hello // hellos of n1 and n2
		want        netip.Addr
	}{
		{"highest address", hello(1, true), hello(1, true), n2},
		{"highest priority", hello(5, true), hello(1, true), n1},
		{"lower than ours", hello(0, true), hello(0, true), self},
		{"one without priority", hello(5, true), hello(0, false), n2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			x := newRig(t, DefaultConfig())
			x.hear("a", n1, tc.first)
			x.hear("a", n2, tc.then)
			if got := x.r.Interfaces(x.now)[0].DR; got != tc.want {
				t.Errorf("designated router %v, want %v", got, tc.want)
			}
		})
	}
}

// TestDrops: each cause for which a message is dropped.
func TestDrops(t *testing.T) {
	hello := Append(nil, helloOf(7))
	join := Append(nil, &JoinPrune{Upstream: self})
	elsewhere := Append(nil, &JoinPrune{Upstream: n1})
	for _, tc := range []struct {
		cause DropCause
		iface string
		from  netip.Addr
		b     []byte
	}{
		{DropMalformed, "a", n1, []byte{0x26, 0, 0, 0}},
		{DropMalformed, "a", n1, hello[:9]},
		{DropChecksum, "a", n1, nil},
		{DropLinkDown, "c", n1, hello},
		{DropSource, "a", s1, hello},
		{DropOwn, "a", self, hello},
		{DropType, "a", n1, Append(nil, &RegisterStop{Group: group(asm1), Source: s1})},
		{DropNeighbor, "a", n2, elsewhere},
		{DropToUs, "a", n1, join},
	} {
		t.Run(tc.cause.String(), func(t *testing.T) {
			x := newRig(t, DefaultConfig())
			x.meet("a", n1)
			SetChecksum(tc.from, AllRouters, tc.b)
			err := x.r.Receive(x.now, tc.iface, tc.from, AllRouters, tc.b, &x.fx)
			var drop *DropError
			if !errors.As(err, &drop) || drop.Cause != tc.cause {
				t.Fatalf("error %v", err)
			}
			for c, n := range x.r.Interfaces(x.now)[0].Counters.Drops.All() {
				if (n == 1) != (c == tc.cause && tc.iface == "a") || n > 1 {
					t.Errorf("%v counted %d", c, n)
				}
			}
		})
	}
}

// TestNeighborLimit: hellos of attackers cannot fill the memory, and the known neighbors
// stay.
func TestNeighborLimit(t *testing.T) {
	x := newRig(t, DefaultConfig())
	x.meet("a", n1)
	for i := range 2 * maxNeighbors {
		err := x.hear("a", netip.AddrFrom16([16]byte{0xfe, 0x80, 8: 1, 14: byte(i >> 8), 15: byte(i)}), helloOf(1))
		if (cause(err) == DropLimit) != (i >= maxNeighbors-1) {
			t.Fatalf("hello %d: %v", i, err)
		}
	}
	if err := x.hear("a", n1, helloOf(7)); err != nil || len(x.r.Interfaces(x.now)[0].Neighbors) != maxNeighbors {
		t.Errorf("a known neighbor: %v", err)
	}
}
