package eventloop

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// alarm is work that is due at regular intervals, or once if every is zero.
type alarm struct {
	at    time.Time
	every time.Duration
	done  []time.Time
}

func (a *alarm) timed() Timed { return Timed{Due: func() time.Time { return a.at }, Do: a.do} }

func (a *alarm) do(now time.Time) {
	a.done = append(a.done, now)
	a.at = time.Time{}
	if a.every > 0 {
		a.at = now.Add(a.every)
	}
}

// running starts a loop and serves its timer during the test.
func running(t *testing.T, o Options) *Loop {
	t.Helper()
	l := New(o)
	if err := l.Begin(func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	go l.Run(ctx)
	return l
}

// TestOrderOfATurn: first the effects are carried out, then what is due, then what the effects
// have caused. After each, its effects are carried out.
func TestOrderOfATurn(t *testing.T) {
	var order []string
	note := func(what string) { order = append(order, what) }
	var l *Loop
	settled := 0
	due := &alarm{at: time.Now().Add(-time.Second)}
	l = New(Options{
		Interval: time.Hour, Timed: []Timed{due.timed()},
		Settle: func() {
			note("settle")
			if settled++; settled == 1 {
				l.Next(func() {
					note("news")
					l.Next(func() { note("more news") })
				})
			}
		},
	})
	if err := l.Begin(func() error { note("first"); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(due.done) != 1 {
		t.Errorf("done %d times", len(due.done))
	}
	want := []string{"first", "settle", "settle", "news", "settle", "more news", "settle"}
	if !slices.Equal(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
}

func TestOneTurnAtATime(t *testing.T) {
	l := running(t, Options{Interval: time.Hour, Settle: func() {}})
	const goroutines, turns = 8, 500
	count, ended := 0, make(chan bool)
	for range goroutines {
		go func() {
			for range turns {
				l.Turn(func() { count++ })
			}
			ended <- true
		}()
	}
	for range goroutines {
		<-ended
	}
	if count != goroutines*turns {
		t.Errorf("%d of %d turns counted", count, goroutines*turns)
	}
}

// TestWhatIsDueIsDoneInTime: if nobody takes a turn, the timer takes it, also if work becomes
// due before the time to which the timer was set.
func TestWhatIsDueIsDoneInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		slow := &alarm{at: began.Add(5 * time.Second)}
		soon := &alarm{}
		l := running(t, Options{Interval: time.Minute, Timed: []Timed{slow.timed(), soon.timed()}, Settle: func() {}})
		time.Sleep(time.Second)
		l.Turn(func() { soon.at, soon.every = began.Add(2*time.Second), 2*time.Second })
		time.Sleep(6 * time.Second)
		l.Turn(func() {
			for what, got := range map[string][]time.Time{"slow": slow.done, "soon": soon.done} {
				want := []time.Duration{2 * time.Second, 4 * time.Second, 6 * time.Second}
				if what == "slow" {
					want = []time.Duration{5 * time.Second}
				}
				var after []time.Duration
				for _, at := range got {
					after = append(after, at.Sub(began))
				}
				if !slices.Equal(after, want) {
					t.Errorf("%s was done after %v, want %v", what, after, want)
				}
			}
		})
	})
}

func TestEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		count := 0
		l := running(t, Options{Interval: time.Minute, Timed: []Timed{Every(time.Second, func() { count++ })}, Settle: func() {}})
		time.Sleep(10*time.Second + time.Millisecond)
		l.Turn(func() {
			if count != 10 {
				t.Errorf("done %d times in ten seconds", count)
			}
		})
	})
}

func TestIdleLoopTakesTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		beats := 0
		l := running(t, Options{Interval: time.Second, Settle: func() { beats++ }})
		time.Sleep(10*time.Second + time.Millisecond)
		l.Turn(func() {
			if beats != 11 { // with that of Begin
				t.Errorf("%d turns in ten seconds", beats)
			}
		})
	})
}

func TestDrain(t *testing.T) {
	l := running(t, Options{Interval: time.Hour, Settle: func() {}})
	if err := l.Call(l.Drain); err != nil {
		t.Error(err)
	}
	if err := l.Call(func() { t.Error("called") }); !errors.Is(err, ErrEnded) {
		t.Errorf("Call after Drain: %v", err)
	}
	handled := false
	if err := l.Turn(func() { handled = true }); err != nil || !handled {
		t.Errorf("Turn after Drain: %v, handled %v", err, handled)
	}
}

func TestEnd(t *testing.T) {
	l := running(t, Options{Interval: time.Hour, Settle: func() {}})
	l.End()
	for name, take := range map[string]func(func()) error{"Turn": l.Turn, "Call": l.Call} {
		if err := take(func() { t.Errorf("%s after the end", name) }); !errors.Is(err, ErrEnded) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFailedBegin: those who wait for the first turn get an error if it fails.
func TestFailedBegin(t *testing.T) {
	l := New(Options{Interval: time.Hour, Settle: func() { t.Error("settled") }})
	waiting := make(chan error)
	go func() { waiting <- l.Call(func() {}) }()
	broken := errors.New("broken")
	if err := l.Begin(func() error { return broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
	if err := <-waiting; !errors.Is(err, ErrEnded) {
		t.Error(err)
	}
}

// TestTurnCostsNoMemory: a turn allocates nothing, because every report takes one.
func TestTurnCostsNoMemory(t *testing.T) {
	l := New(Options{Interval: time.Hour, Timed: []Timed{new(alarm).timed()}, Settle: func() {}})
	if err := l.Begin(func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	f := func() {}
	if n := testing.AllocsPerRun(100, func() { l.Turn(f) }); n != 0 {
		t.Errorf("%v allocations a turn", n)
	}
}

func BenchmarkTurn(b *testing.B) {
	work := slices.Repeat([]Timed{new(alarm).timed()}, 5)
	l := New(Options{Interval: time.Hour, Timed: work, Settle: func() {}})
	if err := l.Begin(func() error { return nil }); err != nil {
		b.Fatal(err)
	}
	f := func() {}
	for b.Loop() {
		l.Turn(f)
	}
}
