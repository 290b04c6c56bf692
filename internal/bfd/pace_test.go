package bfd

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tandem/internal/instant"
)

// newFast returns a session of 3 ms x 3 that may slow down. It is Up with a peer that has
// the same intervals.
func newFast(t *testing.T, change func(*Config)) *puppet {
	p := newPuppet(t, func(c *Config) {
		c.MinTx, c.MinRx, c.Adaptive = 3*ms, 3*ms, true
		if change != nil {
			change(c)
		}
	})
	p.up()
	p.mustSay(Up, fast)
	p.fx.Reset()
	return p
}

func fast(q *Packet) { q.DesiredMinTx, q.RequiredMinRx = 3*ms, 3*ms }

func fastFinal(q *Packet) { fast(q); q.Final = true }

// late reports to the session that its thread was late.
func (p *puppet) late(d time.Duration) { p.NoteLate(p.now, d, CauseThread, &p.fx) }

// TestLatenessSlowsTheSessionDownByPoll: when a session slows down, its detection times
// grow at once, but its transmit interval only after the peer has answered the Poll (RFC
// 5880, section 6.8.3).
func TestLatenessSlowsTheSessionDownByPoll(t *testing.T) {
	p := newFast(t, nil)
	p.late(3 * ms)
	if s := p.Snapshot(p.now); s.Slow.Interval != 0 || len(p.fx.Events) > 0 {
		t.Fatalf("slows down for a lateness that the intervals bear: %+v", s)
	}
	p.late(4 * ms)
	want := Slowdown{6 * ms, CauseThread, 4 * ms}
	s := p.Snapshot(p.now)
	if s.Slow != want || !s.Polling || s.ActualTx != 3*ms || s.DetectTime != 18*ms {
		t.Fatalf("before the Final: %+v", s)
	}
	if len(p.fx.Events) != 1 || p.fx.Events[0].State != Up || p.fx.Events[0].Slow != want {
		t.Errorf("told %+v", p.fx.Events)
	}
	p.run(3 * ms)
	if sent := p.lastSent(); !sent.Poll || sent.DesiredMinTx != 6*ms || sent.RequiredMinRx != 6*ms {
		t.Errorf("sent %+v", sent)
	}
	p.mustSay(Up, fastFinal)
	if s := p.Snapshot(p.now); s.Polling || s.ActualTx != 6*ms || s.DetectTime != 18*ms || s.Slowdowns != 1 {
		t.Errorf("after the Final: %+v", s)
	}
	p.late(5 * ms)
	if s := p.Snapshot(p.now); s.Slow != want {
		t.Errorf("slows down again for what the new interval bears: %+v", s)
	}
}

func TestHowFarASessionSlowsDown(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		peer   func(*Packet)
		late   time.Duration
		want   time.Duration
	}{
		"until the lateness is half of what is left":   {nil, nil, 7 * ms, 12 * ms},
		"more intervals bear more":                     {func(c *Config) { c.DetectMult = 5 }, func(q *Packet) { q.DetectMult = 5 }, 6 * ms, 0},
		"the peer's multiplier counts, too":            {func(c *Config) { c.DetectMult = 50 }, nil, 4 * ms, 6 * ms},
		"the peer's intervals are slow anyway":         {nil, func(q *Packet) { q.DesiredMinTx, q.RequiredMinRx = 20*ms, 20*ms }, 15 * ms, 0},
		"not beyond the slowest":                       {nil, nil, 150 * ms, slowest},
		"not if even the slowest is of no use":         {nil, nil, 201 * ms, 0},
		"not a session that is as slow":                {func(c *Config) { c.MinTx, c.MinRx = time.Second, time.Second }, nil, 1500 * ms, 0},
		"not if it must not":                           {func(c *Config) { c.Adaptive = false }, nil, 8 * ms, 0},
		"a multiplier of one has only the jitter left": {func(c *Config) { c.DetectMult = 1 }, nil, ms / 2, 12 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			p := newFast(t, c.change)
			p.mustSay(Up, func(q *Packet) {
				fast(q)
				if c.peer != nil {
					c.peer(q)
				}
			})
			p.late(c.late)
			if got := p.Snapshot(p.now).Slow.Interval; got != c.want {
				t.Errorf("slows down to %v, want %v", got, c.want)
			}
		})
	}
}

// lives lets time pass while the peer keeps sending and answers each Poll.
func (p *puppet) lives(d time.Duration) {
	p.t.Helper()
	for end := p.now.Add(d); p.now < end; {
		p.run(min(3*ms, end.Sub(p.now)))
		say := fast
		if p.timing.polling() {
			say = fastFinal
		}
		p.mustSay(Up, say)
		p.fx.Sends = p.fx.Sends[:0]
	}
}

// TestConfiguredIntervalsAreTriedAgain: the session returns to the configured intervals
// after ten minutes without harmful lateness, and waits longer after each attempt that
// fails.
func TestConfiguredIntervalsAreTriedAgain(t *testing.T) {
	p := newFast(t, nil)
	p.late(4 * ms)
	p.lives(5 * time.Minute)
	p.late(4 * ms) // the configured intervals are too short for this lateness
	p.lives(shortestPatience - time.Second)
	if s := p.Snapshot(p.now); s.Slow.Interval != 6*ms || s.RetryIn != time.Second || s.SlowFor != 15*time.Minute-time.Second {
		t.Fatalf("%+v", s)
	}
	p.fx.Reset()
	p.lives(2 * time.Second)
	if s := p.Snapshot(p.now); s.Slow.Interval != 0 || s.ActualTx != 3*ms || s.DetectTime != 9*ms || s.RetryIn != 0 {
		t.Fatalf("after the time: %+v", s)
	}
	if len(p.fx.Events) != 1 || p.fx.Events[0].Slow.Interval != 0 {
		t.Errorf("told %+v", p.fx.Events)
	}
	for _, patience := range []time.Duration{20, 40, 80, 160, 160} {
		p.late(4 * ms)
		if got := p.Snapshot(p.now).RetryIn; got != patience*time.Minute {
			t.Errorf("tries again in %v, want %d minutes", got, patience)
		}
		p.now = p.now.Add(patience * time.Minute)
		p.mustSay(Up, fast)
		p.Advance(p.now, &p.fx)
		p.mustSay(Up, fastFinal)
	}
	p.now = p.now.Add(longestPatience)
	p.mustSay(Up, fastFinal)
	p.late(4 * ms)
	if got := p.Snapshot(p.now).RetryIn; got != shortestPatience {
		t.Errorf("after a try that lasted, tries again in %v", got)
	}
}

// TestNewIntervalsForgetThePace: when the operator configures other intervals, they count
// at once.
func TestNewIntervalsForgetThePace(t *testing.T) {
	p := newFast(t, nil)
	p.late(4 * ms)
	p.fx.Reset()
	c := p.cfg
	c.Description = "other"
	p.Reconfigure(p.now, c, &p.fx)
	if s := p.Snapshot(p.now); s.Slow.Interval != 6*ms {
		t.Errorf("forgotten for a description: %+v", s)
	}
	c.MinTx = 5 * ms
	p.Reconfigure(p.now, c, &p.fx)
	if s := p.Snapshot(p.now); s.Slow.Interval != 0 || len(p.fx.Events) != 1 || p.fx.Events[0].Slow.Interval != 0 {
		t.Errorf("%+v, told %+v", s, p.fx.Events)
	}
}

// TestPaceOutlastsTheSession: a session that was lost comes up again with the slower
// intervals that it needs.
func TestPaceOutlastsTheSession(t *testing.T) {
	p := newFast(t, nil)
	p.mustSay(Down, fast)
	p.late(7 * ms)
	p.fx.Reset()
	p.mustSay(Init, fast)
	if sent := p.lastSent(); sent.State != Up || sent.DesiredMinTx != 12*ms || sent.RequiredMinRx != 12*ms {
		t.Errorf("sent %+v", sent)
	}
	if told := p.fx.Events[len(p.fx.Events)-1]; told.State != Up || told.Slow.Interval != 12*ms {
		t.Errorf("told %+v", told)
	}
}

// TestDeviceThatSleptGivesThePeerOneMoreInterval: after a device has slept, it gives its
// peer one more interval, because the peer may have slept, too, for example because both
// are virtual machines on one host. It does so only once, so a device that is always late
// still detects a dead peer.
func TestDeviceThatSleptGivesThePeerOneMoreInterval(t *testing.T) {
	p := newFast(t, func(c *Config) { c.Adaptive = false })
	p.now = p.now.Add(20 * ms)
	p.late(18 * ms)
	p.Advance(p.now, &p.fx)
	if p.state != Up {
		t.Fatal("takes the peer for dead although it slept itself")
	}
	p.now = p.now.Add(3*ms - 1)
	p.late(3 * ms)
	p.Advance(p.now, &p.fx)
	if p.state != Up {
		t.Fatal("does not wait for an interval")
	}
	p.run(1)
	if p.state != Down {
		t.Error("waits for more than an interval")
	}
}

// TestStolenTimeSlowsAllSessionsDown: processor time that the hypervisor takes slows all
// sessions down, before any of them was late.
func TestStolenTimeSlowsAllSessionsDown(t *testing.T) {
	a := configA()
	a.Adaptive = true
	w := newWorld(t, []Config{a}, []Config{configB()})
	w.run(5 * time.Second)
	w.devices[0].Stolen(w.now, 20*ms, &w.fx)
	w.carry(0)
	w.run(time.Second)
	ours, theirs := w.devices[0].Snapshot(w.now, nil)[0], w.devices[1].Snapshot(w.now, nil)[0]
	if ours.ActualTx != 20*ms || ours.DetectTime != 60*ms || !strings.Contains(ours.Slow.String(), "hypervisor") {
		t.Errorf("ours %+v", ours)
	}
	if theirs.ActualTx != 20*ms || theirs.DetectTime != 60*ms || theirs.Slow.Interval != 0 {
		t.Errorf("theirs %+v", theirs)
	}
}

// drawPair draws two devices whose sessions may slow down, and brings the sessions Up.
func drawPair(t *rapid.T, tb *testing.T) *world {
	a, b := configA(), configB()
	for _, c := range []*Config{&a, &b} {
		c.MinTx = time.Duration(rapid.SampledFrom([]int{3, 10, 20}).Draw(t, "tx")) * ms
		c.MinRx = time.Duration(rapid.SampledFrom([]int{3, 10, 20}).Draw(t, "rx")) * ms
		c.DetectMult = rapid.Uint8Range(3, 6).Draw(t, "multiplier")
		c.Adaptive = true
	}
	w := newWorld(tb, []Config{a}, []Config{b})
	w.run(4 * time.Second)
	w.events = nil
	return w
}

func (w *world) lost() bool {
	return slices.ContainsFunc(w.events, func(e string) bool { return strings.HasSuffix(e, "Down") })
}

// TestNewPacesNeverLoseTheSession: whichever end slows down, and whenever, both ends
// agree on the intervals, and neither declares the other lost in between.
func TestNewPacesNeverLoseTheSession(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := drawPair(r, t)
		for range rapid.IntRange(1, 12).Draw(r, "changes") {
			i := rapid.IntRange(0, 1).Draw(r, "device")
			late := time.Duration(rapid.IntRange(0, 200).Draw(r, "late")) * ms
			w.devices[i].Stolen(w.now, late, &w.fx)
			w.carry(i)
			w.run(time.Duration(rapid.IntRange(0, 80).Draw(r, "pause")) * ms)
		}
		w.run(3 * time.Second)
		if w.lost() {
			r.Fatalf("lost: %v", w.events)
		}
		a, b := w.devices[0].Snapshot(w.now, nil)[0], w.devices[1].Snapshot(w.now, nil)[0]
		if a.Polling || b.Polling || a.ActualTx != b.ActualRx || b.ActualTx != a.ActualRx {
			r.Fatalf("they disagree:\n%+v\n%+v", a, b)
		}
	})
}

// TestSettledSessionBearsTheSameLatenessAgain: a device sleeps for the same time again
// and again. After its session has slowed down, it is not lost any more.
func TestSettledSessionBearsTheSameLatenessAgain(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := drawPair(r, t)
		i := rapid.IntRange(0, 1).Draw(r, "device")
		sleep := time.Duration(rapid.IntRange(1, 95).Draw(r, "sleep")) * ms
		losses := 0
		for range rapid.IntRange(1, 12).Draw(r, "times") {
			w.events = nil
			settled := w.devices[i].Snapshot(w.now, nil)[0].Slow.Interval > 0
			w.asleep[i] = w.now.Add(sleep)
			w.run(sleep + time.Duration(rapid.IntRange(3000, 3100).Draw(r, "pause"))*ms)
			if !w.lost() {
				continue
			}
			if losses++; settled || losses > 1 {
				r.Fatalf("lost %d times, settled %v: %v\n%+v", losses, settled, w.events, w.devices[i].Snapshot(w.now, nil)[0])
			}
		}
	})
}

// TestOverdueTimerIsNoLateness: the timer of a session runs out while the session has
// nothing to send. The session does not count as late when it sends again.
func TestOverdueTimerIsNoLateness(t *testing.T) {
	a := configA()
	a.Adaptive = true
	w := newWorld(t, []Config{a}, []Config{configB()})
	w.run(5 * time.Second)
	quiet := func(rx time.Duration) {
		p := Packet{State: Up, DetectMult: 255, MyDiscriminator: 2, YourDiscriminator: 1, DesiredMinTx: 10 * ms, RequiredMinRx: rx}
		m := Meta{Src: addrB, Dst: addrA, Ifindex: cableIndex, HopLimit: 255, Received: w.now}
		if err := w.devices[0].Receive(w.now, &m, p.Append(nil), &w.fx); err != nil {
			t.Fatal(err)
		}
	}
	w.cut = true
	quiet(0)
	w.now = w.now.Add(50 * ms)
	quiet(10 * ms)
	w.devices[0].Advance(w.now, &w.fx)
	if s := w.devices[0].Snapshot(w.now, nil)[0]; s.State != Up || s.Slow.Interval != 0 {
		t.Errorf("%+v", s)
	}
	if at := w.devices[0].Deadline(); at == instant.Never {
		t.Error("no packet is due")
	}
}
