package device_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/event"
	"tandem/internal/instant"
	"tandem/internal/proof"
)

// sky is the upstream network of the two devices of a scene: streams with a packet each
// millisecond, and which of them each device receives.
type sky struct {
	scene   *scene
	streams []device.SourceGroup
	silent  bool           // the sources send nothing
	lost    [2][]bool      // the streams that do not come in, by device
	planes  [2]*plane      // the arrivals that the forwarding planes measure
	reached []instant.Time // when a packet of each stream last reached the listeners
	gap     []time.Duration
	copies  []time.Duration // for how long the listeners received each stream twice
}

// plane watches the routed streams of a device.
type plane struct {
	watch  proof.Watch
	counts []proof.Reading
	routed []bool
}

const lookInterval = 10 * time.Millisecond

// newSky returns a pair that receives some streams, and listeners that want them.
func newSky(t *testing.T, streams int) *sky {
	s := newScene(t)
	k := &sky{scene: s}
	s.sky = k
	for i := range streams {
		group := netip.AddrFrom16([16]byte{0xff, 0x3e, 12: 0x80, 15: byte(i + 1)})
		k.streams = append(k.streams, device.SourceGroup{Source: netip.MustParseAddr("2001:db8:5::1"), Group: group})
	}
	for i := range s.nodes {
		k.planes[i] = newPlane(streams)
		k.lost[i] = make([]bool, streams)
	}
	k.reached, k.gap, k.copies = make([]instant.Time, streams), make([]time.Duration, streams), make([]time.Duration, streams)
	k.tick()
	s.pair(nil, nil)
	for _, n := range s.nodes {
		n.handle(device.StreamsWatched{On: true})
	}
	for _, sg := range k.streams {
		for _, n := range s.nodes {
			if err := s.do([]string{"join", n.name(), "host1", sg.Group.String(), sg.Source.String()}); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.pass(5 * time.Second)
	k.forget()
	return k
}

func newPlane(streams int) *plane {
	return &plane{counts: make([]proof.Reading, streams), routed: make([]bool, streams)}
}

// forget begins the measurements again.
func (k *sky) forget() {
	clear(k.gap)
	clear(k.copies)
	k.scene.take()
}

// tick sends a packet of each stream.
func (k *sky) tick() {
	s := k.scene
	for i := range k.streams {
		k.send(i)
	}
	for _, n := range s.nodes {
		if n.dev != nil && s.now.SinceOrigin()%lookInterval == time.Duration(3*n.index)*time.Millisecond {
			p := k.planes[n.index]
			var seen []device.StreamSight
			p.watch.Look(s.now, p.read, func(slot uint32, flows bool) { seen = append(seen, k.sight(p, slot, flows)) })
			if len(seen) > 0 {
				n.handle(device.StreamsSeen{Streams: seen})
			}
		}
	}
	s.after(time.Millisecond, k.tick)
}

func (p *plane) read(slot uint32) proof.Reading { return p.counts[slot] }

func (k *sky) sight(p *plane, slot uint32, flows bool) device.StreamSight {
	f := p.watch.Of(slot).Sight()
	now := k.scene.now
	return device.StreamSight{SourceGroup: k.streams[slot], Flows: flows, Packets: f.Packets, Age: now.Sub(f.Last), Pause: f.Pause, PauseAge: now.Sub(f.PauseEnd)}
}

// send sends a packet of a stream, and records how many times it reaches the listeners.
func (k *sky) send(i int) {
	if k.silent {
		k.reached[i] = k.scene.now
		return
	}
	copies := 0
	for _, n := range k.scene.nodes {
		p := k.planes[n.index]
		if n.dev == nil || k.lost[n.index][i] || !p.routed[i] {
			continue
		}
		p.counts[i] = proof.Reading{Packets: p.counts[i].Packets + 1, Last: k.scene.now}
		if passes(&n.gate, k.streams[i]) {
			copies++
		}
	}
	now := k.scene.now
	switch copies {
	case 0:
		k.gap[i] = max(k.gap[i], now.Sub(k.reached[i]))
		return
	case 2:
		k.copies[i] += time.Millisecond
	}
	k.reached[i] = now
}

// passes reports whether a gate lets a stream pass on the leg.
func passes(g *device.Gate, sg device.SourceGroup) bool {
	const leg = "eth-trunk10"
	switch {
	case slices.Contains(g.Exceptions, sg):
		return true
	case slices.Contains(g.Closed, leg):
		return false
	case slices.Contains(g.Bucket0, leg):
		return etrunk.BucketOf(sg.Source, sg.Group) == 0
	case slices.Contains(g.Bucket1, leg):
		return etrunk.BucketOf(sg.Source, sg.Group) == 1
	}
	return true
}

// look makes the plane of a device watch its routed streams, and answers the device's
// requests for looks.
func (k *sky) look(n *node, fx *device.Effects) {
	p := k.planes[n.index]
	for _, r := range fx.Routes {
		i := slices.Index(k.streams, device.SourceGroup{Source: r.Source, Group: r.Group})
		if i < 0 {
			continue
		}
		if wanted := !r.Delete && len(r.Outgoing) > 0; wanted && !p.routed[i] {
			p.counts[i] = proof.Reading{}
			p.watch.Add(uint32(i))
			p.routed[i] = true
		} else if !wanted {
			p.watch.Remove(uint32(i))
			p.routed[i] = false
		}
	}
	for _, sg := range fx.Missed {
		if f := p.watch.Of(uint32(slices.Index(k.streams, sg))); f != nil {
			f.Missed()
		}
	}
	var seen []device.StreamSight
	for _, sg := range fx.Look {
		slot := uint32(slices.Index(k.streams, sg))
		p.watch.LookAt(k.scene.now, slot, p.read, func(slot uint32, flows bool) { seen = append(seen, k.sight(p, slot, flows)) })
		if f := p.watch.Of(slot); f != nil {
			seen = append(seen, k.sight(p, slot, f.Flowing()))
		}
	}
	if len(seen) > 0 {
		k.scene.after(0, func() { n.handle(device.StreamsSeen{Streams: seen}) })
	}
}

// expect fails if a listener missed a stream for longer than gap, or received it twice
// for longer than copies.
func (k *sky) expect(what string, gap, copies time.Duration) {
	k.scene.t.Helper()
	for i := range k.streams {
		if k.gap[i] > gap || k.copies[i] > copies {
			k.scene.t.Errorf("%s: stream %d was missed for %v and came twice for %v", what, i, k.gap[i], k.copies[i])
		}
	}
	k.forget()
}

// lose makes some streams no longer come in at A, or come in again.
func (k *sky) lose(lost bool, streams int) {
	for i := range streams {
		k.lost[0][i] = lost
	}
}

// lacking returns what A's and B's members lack, as announced.
func (k *sky) lacking() string {
	var said []string
	for _, n := range k.scene.nodes {
		d := n.dev.Snapshot(k.scene.now, wallAt(k.scene.now))
		for _, ifc := range d.Interfaces {
			if ifc.Netdev == "eth-trunk10" {
				said = append(said, ifc.Duty.Reason)
			}
		}
	}
	return fmt.Sprint(said)
}

// TestStreamsDoNotArrive: a device at which no stream comes in is not ready. The peer
// sends everything in time, and later hands back without a gap.
func TestStreamsDoNotArrive(t *testing.T) {
	k := newSky(t, 12)
	k.scene.pass(5 * time.Second)
	k.expect("both have all", 0, 0)
	for range 2 {
		k.lose(true, 12)
		k.scene.pass(10 * time.Second)
		k.expect("nothing comes in at A", 60*time.Millisecond, 0)
		if got, want := k.lacking(), "[not ready: streams do not arrive peer is not ready]"; got != want {
			t.Errorf("they say %s, want %s", got, want)
		}
		k.lose(false, 12)
		k.scene.pass(60 * time.Second)
		k.expect("everything comes in again", 0, 3*time.Second)
		if got, want := k.lacking(), "[both are ready both are ready]"; got != want {
			t.Errorf("they say %s, want %s", got, want)
		}
	}
}

// TestSomeStreamsDoNotArrive: the peer sends the streams that do not come in at a device,
// and both stay ready.
func TestSomeStreamsDoNotArrive(t *testing.T) {
	k := newSky(t, 12)
	a, b := k.scene.nodes[0], k.scene.nodes[1]
	k.lose(true, 5)
	k.scene.pass(10 * time.Second)
	k.expect("five do not come in at A", 60*time.Millisecond, 0)
	if len(b.gate.Exceptions) != 5 || len(a.gate.Exceptions) != 0 || k.lacking() != "[both are ready both are ready]" {
		t.Errorf("exceptions %v and %v, %s", a.gate.Exceptions, b.gate.Exceptions, k.lacking())
	}
	b.restart()
	k.planes[1] = newPlane(12)
	k.scene.sky.planes[1] = k.planes[1]
	k.rewatch(1)
	k.scene.pass(5 * time.Second)
	k.expect("B goes on as another program", 0, 0)
	k.lose(false, 5)
	k.scene.pass(10 * time.Second)
	k.expect("they come in again", 0, 1300*time.Millisecond)
	if len(b.gate.Exceptions) != 0 {
		t.Errorf("exceptions %v", b.gate.Exceptions)
	}
}

// TestLackingStreamsAreShown: both devices show which single streams do not come in, at
// which device, since when, and which device sends them. An alarm names the first of
// them, as long as only some streams are lacking.
func TestLackingStreamsAreShown(t *testing.T) {
	k := newSky(t, 12)
	a, b := k.scene.nodes[0], k.scene.nodes[1]
	alarm := func() (detail string) {
		for _, c := range a.dev.Conditions() {
			if c.AlarmKind == event.StreamsLacking {
				detail = c.Object + ": " + c.Detail
			}
		}
		return detail
	}
	shown := func(n *node, i int) device.ArrivalSnapshot {
		return n.dev.GroupRoutes(k.scene.now, k.streams[i].Group)[0].Arrival
	}
	sound := device.ArrivalSnapshot{Watched: true, Compared: true, Here: true, Peer: true}
	for _, c := range []struct {
		lost  int
		alarm string
	}{
		{0, ""},
		{2, "ServiceName=rbs1: 2 of 12 streams: (2001:db8:5::1, ff3e::8000:1), (2001:db8:5::1, ff3e::8000:2)"},
		{5, "ServiceName=rbs1: 5 of 12 streams: (2001:db8:5::1, ff3e::8000:1), (2001:db8:5::1, ff3e::8000:2), (2001:db8:5::1, ff3e::8000:3), ..."},
		{12, ""},
		{0, ""},
	} {
		k.lose(false, 12)
		k.lose(true, c.lost)
		k.scene.pass(10 * time.Second)
		if got := alarm(); got != c.alarm {
			t.Errorf("%d lost: alarm %q, want %q", c.lost, got, c.alarm)
		}
		lacks, stands := a.dev.Snapshot(k.scene.now, time.Time{}).Streams[0], b.dev.Snapshot(k.scene.now, time.Time{}).Streams[0]
		if lacks.Lacking != c.lost || len(lacks.Lacks) != min(c.lost, 10) || stands.StandsIn != c.lost || len(stands.Stands) != min(c.lost, 10) {
			t.Errorf("%d lost: %+v, and at the peer %+v", c.lost, lacks, stands)
		}
		if shown(a, 11) != sound && c.lost < 12 {
			t.Errorf("%d lost: of another stream A shows %+v", c.lost, shown(a, 11))
		}
		if c.lost == 0 {
			continue
		}
		at, peer := shown(a, 0), shown(b, 0)
		if at.Here || !at.Peer || !at.Lacks || at.For < 5*time.Second || !peer.Here || peer.Peer || !peer.Stands || peer.For < 5*time.Second {
			t.Errorf("%d lost: A shows %+v, B %+v", c.lost, at, peer)
		}
		member := device.Member{ETrunk: 1, EthTrunk: 10}
		if sends, _ := b.dev.Sends(member, k.streams[0].Source, k.streams[0].Group); !sends {
			t.Errorf("%d lost: B does not tell that it sends it", c.lost)
		}
	}
}

// rewatch makes the plane of a successor watch the routed streams.
func (k *sky) rewatch(node int) {
	for i := range k.streams {
		k.planes[node].watch.Add(uint32(i))
		k.planes[node].routed[i] = true
	}
	k.scene.nodes[node].handle(device.StreamsWatched{On: true})
}

// TestSilentStreamIsLeft: a stream that a device sends in the other's stead falls silent, and its
// listeners leave. Nobody lacks it any more.
func TestSilentStreamIsLeft(t *testing.T) {
	k := newSky(t, 12)
	a, b := k.scene.nodes[0], k.scene.nodes[1]
	k.lose(true, 2)
	k.scene.pass(5 * time.Second)
	if got := a.dev.Snapshot(k.scene.now, time.Time{}).Streams[0].Lacking; got != 2 {
		t.Fatalf("%d are lacking", got)
	}
	k.silent = true
	k.scene.pass(2 * time.Second)
	for _, sg := range k.streams[:2] {
		for _, n := range k.scene.nodes {
			if err := k.scene.do([]string{"leave", n.name(), "host1", sg.Group.String(), sg.Source.String()}); err != nil {
				t.Fatal(err)
			}
		}
	}
	k.scene.pass(20 * time.Second)
	lacks, stands := a.dev.Snapshot(k.scene.now, time.Time{}).Streams[0], b.dev.Snapshot(k.scene.now, time.Time{}).Streams[0]
	if lacks.Lacking != 0 || stands.StandsIn != 0 || len(b.gate.Exceptions) != 0 {
		t.Errorf("A lacks %+v, B stands in for %+v, exceptions %v", lacks, stands, b.gate.Exceptions)
	}
}

// TestSilentSources: if sources stop, so that their streams are silent at both devices,
// nothing changes.
func TestSilentSources(t *testing.T) {
	k := newSky(t, 12)
	for range 5 {
		k.silent = true
		k.scene.pass(3 * time.Second)
		k.silent = false
		k.scene.pass(3 * time.Second)
	}
	for _, said := range k.scene.take() {
		if !strings.Contains(said, "general query") {
			t.Error(said)
		}
	}
	k.expect("sources that stop", 0, 0)
}

// TestUpstreamThatForwardsLate: a device boots behind a switch port that does not forward
// for a while. It takes its bucket when the streams come in, without a gap.
func TestUpstreamThatForwardsLate(t *testing.T) {
	k := newSky(t, 12)
	a := k.scene.nodes[0]
	a.die()
	k.scene.pass(30 * time.Second)
	k.forget()
	k.planes[0] = newPlane(12)
	k.lose(true, 12)
	a.legAdmin = true
	a.boot()
	a.handle(device.BFDChanged{Session: "core", State: etrunk.BFDUp})
	a.handle(device.StreamsWatched{On: true})
	k.scene.pass(40 * time.Second)
	k.expect("A is back behind a port that does not forward", 0, 0)
	k.lose(false, 12)
	k.scene.pass(40 * time.Second)
	k.expect("the port forwards", 0, 3*time.Second)
	if got, want := k.lacking(), "[both are ready both are ready]"; got != want {
		t.Errorf("they say %s, want %s", got, want)
	}
}

// TestInterfaceJoinsAService: when the profile of an interface begins to replicate,
// streams that flow already are counted.
func TestInterfaceJoinsAService(t *testing.T) {
	k := newSky(t, 12)
	a := k.scene.nodes[0]
	a.die()
	k.scene.pass(10 * time.Second)
	k.planes[0] = newPlane(12)
	bound := a.settings()
	unbound := a.settings()
	profile := unbound.Profiles["rbp1"]
	profile.Hot = false
	unbound.Profiles["rbp1"] = profile
	a.boot()
	a.act(func(d *device.Device) { a.must(d.Configure(k.scene.now, unbound)) })
	a.handle(device.BFDChanged{Session: "core", State: etrunk.BFDUp})
	a.handle(device.StreamsWatched{On: true})
	a.legAdmin = true
	a.tellLinks()
	for _, sg := range k.streams {
		if err := k.scene.do([]string{"join", "A", "host1", sg.Group.String(), sg.Source.String()}); err != nil {
			t.Fatal(err)
		}
	}
	k.scene.pass(5 * time.Second)
	a.act(func(d *device.Device) { a.must(d.Configure(k.scene.now, bound)) })
	k.scene.pass(60 * time.Second)
	if got, want := k.lacking(), "[both are ready both are ready]"; got != want {
		t.Errorf("they say %s, want %s", got, want)
	}
}
