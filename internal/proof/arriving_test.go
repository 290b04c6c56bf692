package proof

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tandem/internal/instant"
)

// TestSourcesCauseNothing: while both devices receive the same packets, neither stands in,
// whatever the sources do.
func TestSourcesCauseNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		rng := rand.New(rand.NewPCG(seed, 3))
		var sources []*testSource
		for range rapid.IntRange(1, 6).Draw(t, "sources") {
			sources = append(sources, drawSource(t, rng))
		}
		c := newCouple(seed, sources...)
		c.run(30*time.Second, func() {
			for i, n := range c.nodes {
				if len(n.Stands()) > 0 || n.LacksMost() || n.Counts().Lacking > 0 {
					t.Fatalf("at %v device %d stands in for %v, counts %+v", c.now, i, n.Stands(), n.Counts())
				}
			}
			if rng.IntN(10_000) == 0 {
				c.connect()
			}
		})
		c.consistent(t)
	})
}

// TestLossOfOneSide: one device loses a stream. The other stands in for it in time and only
// once, and ends that in time after the stream is back.
func TestLossOfOneSide(t *testing.T) {
	const slowestRise = quietShare * tick
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		interval := rapid.SampledFrom([]time.Duration{time.Millisecond, 2 * time.Millisecond, 10 * time.Millisecond, 50 * time.Millisecond, 300 * time.Millisecond}).Draw(t, "interval")
		burst := rapid.SampledFrom([]int{1, 1, 5, 20}).Draw(t, "burst")
		lost, pause := every(interval), interval
		const asked = 2 * slowestWay // a question and its answer
		within := asked + 100*time.Millisecond + 5*interval
		if burst > 1 { // a pause may be twice as long as the longest usual one
			pause = 10*interval + 40*time.Millisecond
			lost = bursts(burst, pause+time.Duration(burst)*time.Millisecond)
			within = asked + 100*time.Millisecond + 3*pause
		}
		c := newCouple(seed, lost, every(5*time.Millisecond), every(20*time.Millisecond), every(time.Second))
		c.run(3*time.Second+20*pause, nil)
		a, b := c.nodes[0], c.nodes[1]
		if a.took[0]+b.took[0] > 0 {
			t.Fatal("taken before it is lost")
		}
		for round := range rapid.IntRange(1, 3).Draw(t, "losses") {
			began := c.now
			a.lost[0] = true
			c.run(within+time.Duration(rapid.IntRange(0, 20_000).Draw(t, "loss"))*time.Millisecond, nil)
			if b.took[0] != round+1 || b.tookAt[0].Sub(began) > within {
				t.Fatalf("loss %d of a stream each %v in bursts of %d: taken %d times, after %v, want within %v",
					round, interval, burst, b.took[0], b.tookAt[0].Sub(began), within)
			}
			a.lost[0] = false
			c.run(giveBackAfter+slowestRise+2*slowestWay+3*tick+pause, nil)
			if b.standin[0] || b.took[0] != round+1 {
				t.Fatalf("loss %d is over: stands in %v, taken %d times", round, b.standin[0], b.took[0])
			}
			c.run(2*time.Second, nil)
		}
		if slices.Max(a.took) > 0 || slices.Max(b.took[1:]) > 0 || a.missed == 0 {
			t.Fatalf("others were taken: %v %v; missed %d", a.took, b.took, a.missed)
		}
		c.consistent(t)
	})
}

// TestLossOfMost: a device that loses most streams finds this out soon, and so does its
// peer. The loss of few streams does not count as the loss of most.
func TestLossOfMost(t *testing.T) {
	for lost := range 11 {
		var sources []*testSource
		for range 10 {
			sources = append(sources, every(time.Millisecond))
		}
		c := newCouple(uint64(lost), sources...)
		c.run(2*time.Second, nil)
		a, b := c.nodes[0], c.nodes[1]
		for i := range lost {
			a.lost[i] = true
		}
		c.run(200*time.Millisecond+2*slowestWay, nil)
		if most := lost > 5; a.LacksMost() != most || b.PeerLacksMost() != most || b.LacksMost() || a.PeerLacksMost() {
			t.Errorf("%d of 10 lost: lacks most %v, the peer knows it %v", lost, a.LacksMost(), b.PeerLacksMost())
		}
		if got := a.Counts(); got.Lacking != lost || got.Any != 10 || b.Counts().StandsIn != lost {
			t.Errorf("%d of 10 lost: %+v, the peer %+v", lost, got, b.Counts())
		}
		clear(a.lost)
		c.run(2*time.Second, nil)
		if a.LacksMost() || b.PeerLacksMost() || len(b.Stands()) > 0 {
			t.Errorf("%d of 10 are there again: lacks most %v, %v", lost, a.LacksMost(), b.Stands())
		}
	}
}

// TestNeverArrived: for a stream that never arrives at one device, the other stands in
// after five packets have shown that it flows.
func TestNeverArrived(t *testing.T) {
	for _, interval := range []time.Duration{time.Millisecond, 20 * time.Millisecond, time.Second} {
		c := newCouple(1, every(interval))
		c.nodes[0].lost[0] = true
		b := c.nodes[1]
		began := c.now
		c.run(2*(announceWithin+5*interval)+quietShare*tick+2*slowestWay, nil)
		if took := b.tookAt[0].Sub(began); b.took[0] != 1 || took < max(announceWithin, 4*interval) || took > announceWithin+7*interval+quietShare*tick+2*slowestWay {
			t.Errorf("a packet each %v: taken %d times, after %v", interval, b.took[0], took)
		}
	}
}

// TestSourcePausesDuringALoss: the source pauses while one device does not receive it. The
// other device goes on standing in, and the first one does not conclude that its streams
// are back.
func TestSourcePausesDuringALoss(t *testing.T) {
	src := every(time.Millisecond)
	c := newCouple(5, src)
	c.run(2*time.Second, nil)
	a, b := c.nodes[0], c.nodes[1]
	a.lost[0] = true
	c.run(time.Second, nil)
	for range 3 {
		src.next = c.now.Add(time.Minute)
		c.run(2*time.Minute, func() {
			if !b.standin[0] || !a.LacksMost() {
				t.Fatalf("at %v: stands in %v, lacks most %v", c.now, b.standin[0], a.LacksMost())
			}
		})
	}
	src.next = c.now.Add(time.Hour)
	c.run(rememberFor+time.Minute, nil)
	if b.standin[0] || a.LacksMost() {
		t.Error("what nobody has known for minutes still counts")
	}
	c.consistent(t)
}

// TestConnectionLostDuringALoss: the decisions stay while the devices are not connected.
func TestConnectionLostDuringALoss(t *testing.T) {
	c := newCouple(6, every(time.Millisecond), every(time.Millisecond))
	c.run(2*time.Second, nil)
	a, b := c.nodes[0], c.nodes[1]
	a.lost[0] = true
	c.run(time.Second, nil)
	for _, n := range c.nodes {
		n.say(n.peer.PeerBegins)
	}
	c.run(slowestWay, nil)
	a.lost[1] = true
	c.run(5*time.Second, nil)
	if !b.standin[0] || b.standin[1] {
		t.Fatalf("while nobody can tell: %v", b.standin)
	}
	c.connect()
	c.run(time.Second, nil)
	if !b.standin[0] || !b.standin[1] || b.took[0] != 1 {
		t.Fatalf("told anew: %v, taken %v", b.standin, b.took)
	}
	b.PeerCannotTell(c.now)
	if len(b.Stands()) > 0 {
		t.Error("stands in for a peer that cannot tell")
	}
}

// TestWithdrawnStream: no device stands in for a stream that is no longer watched.
func TestWithdrawnStream(t *testing.T) {
	c := newCouple(7, every(time.Millisecond))
	c.run(time.Second, nil)
	a, b := c.nodes[0], c.nodes[1]
	a.lost[0] = true
	c.run(time.Second, nil)
	b.watch.Remove(0)
	b.Forget(c.now, 0)
	told := b.Tell(c.now, 0, false)
	if len(b.Stands()) > 0 || !told.Withdrawn || told.StandsIn || len(b.News()) == 0 {
		t.Fatalf("stands in for %v, tells %+v", b.Stands(), told)
	}
	a.PeerTells(c.now, 0, told)
	if a.LacksMost() || len(a.streams) > 0 {
		t.Errorf("lacks most %v, %d streams are known", a.LacksMost(), len(a.streams))
	}
}

// TestPeerWatchesAnew: the peer ends the watch of a stream and begins it again a moment
// later. The peer does not count as lacking the stream.
func TestPeerWatchesAnew(t *testing.T) {
	c := newCouple(8, every(time.Millisecond))
	c.run(5*time.Second, nil)
	a := c.nodes[0]
	for range 5 {
		a.watch.Remove(0)
		a.Forget(c.now, 0)
		a.watch.Add(0)
		c.run(time.Second, nil)
	}
	if c.nodes[1].took[0] > 0 {
		t.Errorf("taken %d times", c.nodes[1].took[0])
	}
}

// TestPeerTellsOfTooMany: if the peer reports too many streams, the absence of a report
// means nothing.
func TestPeerTellsOfTooMany(t *testing.T) {
	var a Arriving[int]
	now := instant.FromOrigin(time.Hour)
	a.PeerBegins(now)
	refused := 0
	for key := range mostStreams + 5 {
		if !a.PeerTells(now, key, Told{Flows: true}) {
			refused++
		}
	}
	a.PeerComplete(now)
	a.Flows(now, mostStreams+2, Sight{Packets: 1, Last: now})
	if refused != 5 || a.Deadline().IsSet() || a.Counts().Any != mostStreams+1 {
		t.Errorf("%d refused, due %v, %+v", refused, a.Deadline(), a.Counts())
	}
}

// TestBurstAfterReconnection: the peer has just reported all streams that flow there, and
// a stream that pauses is not among them. When a burst comes, the peer has time to report
// it before this device stands in.
func TestBurstAfterReconnection(t *testing.T) {
	var a Arriving[string]
	now := instant.FromOrigin(time.Hour)
	packets := uint64(11)
	look := func(after time.Duration) bool {
		now = now.Add(after)
		a.Advance(now)
		for _, key := range a.Looks() {
			a.Seen(now, key, Sight{Packets: packets, Last: now})
		}
		if a.Tell(now, "bursts", true).Asks {
			a.PeerTells(now, "bursts", Told{Answers: true, Age: 1<<63 - 1})
		}
		return len(a.Stands()) > 0
	}
	a.PeerComplete(now)
	a.Flows(now, "bursts", Sight{Packets: packets, Last: now})
	a.PeerTells(now, "bursts", Told{Flows: true})
	a.PeerBegins(now)
	a.PeerComplete(now)
	for range 10 {
		look(20 * time.Millisecond)
	}
	packets += 6
	for waited := time.Duration(0); waited < announceWithin; waited += 10 * time.Millisecond {
		if look(10 * time.Millisecond) {
			t.Fatalf("stands in %v after the burst began", waited)
		}
	}
	for range 10 {
		look(20 * time.Millisecond)
	}
	if len(a.Stands()) == 0 {
		t.Error("does not stand in, though the peer has not told of the burst")
	}
}

// TestBurstsAreGivenBack: a stream that comes in bursts is given back when it arrives again, though the
// device to which it is new takes the pauses between the bursts for silence at first.
func TestBurstsAreGivenBack(t *testing.T) {
	for seed := range uint64(20) {
		c := newCouple(seed, bursts(10, 140*time.Millisecond), every(time.Millisecond))
		a, b := c.nodes[0], c.nodes[1]
		a.lost[0] = true // from the start
		c.run(5*time.Second, nil)
		if !b.standin[0] {
			t.Fatalf("seed %d: nobody stands in", seed)
		}
		a.lost[0] = false
		c.run(2*time.Second, nil)
		if b.standin[0] {
			t.Fatalf("seed %d: it is not given back", seed)
		}
		c.run(10*time.Second, nil)
		if took := a.took[0] + b.took[0]; took != 1 {
			t.Fatalf("seed %d: taken %d times", seed, took)
		}
	}
}

// TestPeerThatCannotBeHeard: while no report gets through, in one direction or in both, nothing is concluded from
// that: not from new streams of which the peer says nothing, nor from the last thing that it said of a stream.
func TestPeerThatCannotBeHeard(t *testing.T) {
	for _, mute := range [][]int{{0}, {1}, {0, 1}} {
		c := newCouple(1, every(time.Millisecond), every(time.Millisecond))
		c.sources[1].next = c.now.Add(time.Minute) // later than its end
		c.run(3*time.Second, nil)
		c.sources[0].next = c.now.Add(300 * time.Millisecond) // it pauses
		c.run(40*time.Millisecond, nil)
		for _, i := range mute {
			c.nodes[i].mute = true
		}
		c.sources[1].next = c.now
		c.run(10*time.Second, func() {
			for i, n := range c.nodes {
				if len(n.Stands()) > 0 || n.PeerLacksMost() {
					t.Fatalf("%v cannot be heard: at %v device %d stands in for %v", mute, c.now, i, n.Stands())
				}
			}
		})
	}
}
