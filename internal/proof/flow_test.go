package proof

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"tandem/internal/instant"
)

const tick = 10 * time.Millisecond

// stream simulates a stream for a Flow: packets at given instants, and one look each tick.
type stream struct {
	flow    Flow
	now     instant.Time
	packets uint64
	last    instant.Time
	falls   int // how often it became silent
	rises   int
	silent  instant.Time // when it last became silent
}

func begin() *stream { return &stream{now: instant.FromOrigin(time.Hour)} }

// play advances the time, with a packet every interval, or none if interval is 0.
func (s *stream) play(length, interval time.Duration) {
	next := s.now
	for end := s.now.Add(length); s.now < end; {
		s.now = s.now.Add(tick)
		for ; interval > 0 && next <= s.now; next = next.Add(interval) {
			s.packets, s.last = s.packets+1, next
		}
		s.look()
	}
}

func (s *stream) look() {
	switch before := s.flow.Flowing(); {
	case !s.flow.Look(s.now, s.packets, s.last):
	case before:
		s.falls, s.silent = s.falls+1, s.now
	default:
		s.rises++
	}
}

func TestSilentWithinItsOwnPace(t *testing.T) {
	for _, c := range []struct{ interval, within time.Duration }{
		{100 * time.Microsecond, shortestPatience + 2*tick},
		{time.Millisecond, shortestPatience + 2*tick},
		{10 * time.Millisecond, 70 * time.Millisecond},
		{100 * time.Millisecond, 600 * time.Millisecond},
		{time.Second, 6 * time.Second},
	} {
		s := begin()
		s.play(30*c.interval+time.Second, c.interval)
		last := s.last
		if s.falls != 0 || s.rises != 1 || !s.flow.Flowing() {
			t.Errorf("a packet every %v: fell silent %d times, began %d times", c.interval, s.falls, s.rises)
		}
		s.play(20*c.interval+time.Second, 0)
		if s.falls != 1 || s.silent.Sub(last) > c.within || s.silent.Sub(last) < shortestPatience {
			t.Errorf("a packet every %v: silent %d times, %v after the last packet, want within %v", c.interval, s.falls, s.silent.Sub(last), c.within)
		}
	}
}

func TestNothingCameIsNotSilent(t *testing.T) {
	s := begin()
	s.play(time.Minute, 0)
	if s.falls+s.rises != 0 || s.flow.Last().IsSet() {
		t.Errorf("a stream without a packet: began %d times, fell silent %d times", s.rises, s.falls)
	}
}

// TestBurstsAreNotSilence: a stream that comes in bursts counts as flowing once its first
// pauses have shown what is usual.
func TestBurstsAreNotSilence(t *testing.T) {
	s := begin()
	for range 5 {
		s.play(200*time.Millisecond, time.Millisecond)
		s.play(800*time.Millisecond, 0)
	}
	s.falls = 0
	for range 100 {
		s.play(200*time.Millisecond, time.Millisecond)
		s.play(800*time.Millisecond, 0)
	}
	if s.falls != 0 {
		t.Errorf("a stream with a burst each second fell silent %d times", s.falls)
	}
	s.play(10*time.Second, 0)
	if s.falls != 1 {
		t.Errorf("after its bursts have ended it fell silent %d times", s.falls)
	}
}

// TestFaultIsNoHabit: a pause during which the peer has received the stream is not learnt
// as usual.
func TestFaultIsNoHabit(t *testing.T) {
	s := begin()
	s.play(2*time.Second, time.Millisecond)
	for i := range 3 {
		last := s.last
		s.play(100*time.Millisecond, 0)
		s.flow.Missed()
		s.play(8*time.Second, 0)
		if after := s.silent.Sub(last); s.falls != i+1 || after > shortestPatience+2*tick {
			t.Errorf("fault %d: silent %d times, %v after the last packet", i+1, s.falls, after)
		}
		s.play(2*time.Second, time.Millisecond)
	}
}

func TestCounterThatBeginsAnew(t *testing.T) {
	s := begin()
	s.play(time.Second, time.Millisecond)
	s.packets = 0 // the kernel's entry was made anew, with counters of 0
	s.play(time.Second, time.Millisecond)
	if s.falls != 0 || !s.flow.Flowing() {
		t.Errorf("fell silent %d times as its counter began anew", s.falls)
	}
}

// TestFlowHoldsForAnyStream: for any stream, the patience is at least the shortest, a
// stream whose packet has just arrived flows, and a stream that ends becomes silent once.
func TestFlowHoldsForAnyStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := begin()
		for range rapid.IntRange(1, 20).Draw(t, "phases") {
			length := time.Duration(rapid.Int64Range(0, int64(10*time.Second)).Draw(t, "length"))
			interval := time.Duration(rapid.Int64Range(int64(10*time.Microsecond), int64(5*time.Second)).Draw(t, "interval"))
			if rapid.Bool().Draw(t, "pause") {
				interval = 0
			} else if length/interval > 5000 {
				length = 5000 * interval
			}
			s.play(length, interval)
			if s.flow.Patience() < shortestPatience {
				t.Fatalf("patience %v", s.flow.Patience())
			}
			if came := s.last; came.IsSet() && s.now.Sub(came) < tick && !s.flow.Flowing() {
				t.Fatalf("silent %v after a packet", s.now.Sub(came))
			}
		}
		if !s.last.IsSet() {
			return
		}
		s.now = s.now.Add(s.flow.Patience() + tick)
		s.look()
		falls := s.falls
		if s.play(time.Second, 0); s.flow.Flowing() || s.falls != falls {
			t.Fatalf("after the end: flowing %v, silent again %d times", s.flow.Flowing(), s.falls-falls)
		}
	})
}

// TestOnePauseIsNoHabit: a source that has stopped once, for both devices, is not expected to do so again. The
// next silence is noticed soon.
func TestOnePauseIsNoHabit(t *testing.T) {
	for _, pause := range []time.Duration{100 * time.Millisecond, fallenFor} {
		for _, interval := range []time.Duration{time.Millisecond, 100 * time.Millisecond} {
			s := begin()
			s.play(3*time.Second, interval)
			s.play(pause, 0)
			s.play(3*time.Second+30*interval, interval)
			if patience := s.flow.Patience(); patience > shortestPatience+6*interval {
				t.Errorf("a stream each %v that has paused for %v once may pause for %v", interval, pause, patience)
			}
		}
	}
}
