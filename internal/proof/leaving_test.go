package proof

import (
	"testing"
	"time"

	"tandem/internal/instant"
)

// interval is the time between two looks.
const interval = 100 * time.Millisecond

// way is an interface, on the way to which packets may be lost.
type way struct {
	t       *testing.T
	now     instant.Time
	count   Passage
	suspect bool
	Leaving
}

func newWay(t *testing.T) *way {
	w := &way{t: t, now: instant.FromOrigin(time.Hour)}
	w.Look(w.now, w.count, false)
	return w
}

// step advances the time by an interval in which the packets of p were counted.
func (w *way) step(p Passage) {
	w.now = w.now.Add(interval)
	w.count.Offered += p.Offered
	w.count.Held += p.Held
	w.count.Passed += p.Passed
	w.count.Left += p.Left
	before := w.Lost()
	if changed := w.Look(w.now, w.count, w.suspect); changed != (w.Lost() != before) {
		w.t.Errorf("%v: changed is %v", w.now, changed)
	}
}

// pass repeats a step for a while, until the verdict changes. It returns the time until
// then. It fails if the new verdict is not the wanted one.
func (w *way) pass(d time.Duration, p Passage, want Place) time.Duration {
	w.t.Helper()
	began, before := w.now, w.Lost()
	for w.now.Sub(began) < d && w.Lost() == before {
		w.step(p)
	}
	if w.Lost() != want {
		w.t.Fatalf("%+v for %v: lost at place %d, want %d", p, w.now.Sub(began), w.Lost(), want)
	}
	return w.now.Sub(began)
}

// Counts of one interval.
var (
	all         = Passage{Offered: 100, Passed: 100, Left: 100}
	closed      = Passage{Offered: 100, Held: 100}
	shared      = Passage{Offered: 100, Held: 50, Passed: 50, Left: 50}
	dropped     = Passage{Offered: 100}
	halfDropped = Passage{Offered: 100, Held: 25, Passed: 25, Left: 25}
	mostDropped = Passage{Offered: 100, Held: 20, Passed: 20, Left: 20}
	notLeaving  = Passage{Offered: 100, Held: 50, Passed: 50}
	bridged     = Passage{Offered: 100, Held: 50, Passed: 950, Left: 50}
	none        = Passage{}
)

func TestLossIsBelievedAfterHalfASecond(t *testing.T) {
	for _, tt := range []struct {
		name   string
		before Passage
		loss   Passage
		want   Place
	}{
		{"dropped before an open gate", all, dropped, BeforeGate},
		{"dropped before a closed gate", closed, dropped, BeforeGate},
		{"dropped from the start", none, dropped, BeforeGate},
		{"most of them", shared, mostDropped, BeforeGate},
		{"behind the gate", shared, notLeaving, BehindGate},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWay(t)
			w.pass(10*time.Second, tt.before, Nowhere)
			if took := w.pass(time.Minute, tt.loss, tt.want); took > lossAfter {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestWhatIsNoLoss(t *testing.T) {
	for name, p := range map[string]Passage{
		"all leave": all, "the gate is closed": closed, "shared": shared, "half of them": halfDropped,
		"frames of a bridge pass the gate": bridged, "nothing is sent": none,
	} {
		t.Run(name, func(t *testing.T) { newWay(t).pass(time.Minute, p, Nowhere) })
	}
}

// TestShortLoss: losses that end within half a second are not reported, however often they
// happen.
func TestShortLoss(t *testing.T) {
	w := newWay(t)
	for range 100 {
		w.pass(lossAfter-interval, dropped, Nowhere)
		w.pass(interval, shared, Nowhere)
	}
}

// TestSlowStream: with one packet a second, a loss is reported at the second lost packet.
func TestSlowStream(t *testing.T) {
	w := newWay(t)
	slowly := func(p Passage, want Place) {
		t.Helper()
		w.pass(9*interval, none, w.Lost())
		w.pass(interval, p, want)
	}
	for range 10 {
		slowly(Passage{Offered: 1, Passed: 1, Left: 1}, Nowhere)
	}
	slowly(Passage{Offered: 1}, Nowhere)
	slowly(Passage{Offered: 1}, BeforeGate)
}

// TestReadingInBetween: a packet that is still on its way at one look, and has left at the
// next, is not lost.
func TestReadingInBetween(t *testing.T) {
	w := newWay(t)
	for range 100 {
		w.pass(interval, Passage{Offered: 1}, Nowhere)
		w.pass(interval, Passage{Passed: 1}, Nowhere)
		w.pass(interval, Passage{Left: 1}, Nowhere)
	}
}

// TestTrustComesBack: a loss ends after one second in which most packets leave, not sooner,
// and not while some looks still find losses. Packets that a closed gate holds back prove
// the way to the gate.
func TestTrustComesBack(t *testing.T) {
	for name, p := range map[string]Passage{"open": all, "closed": closed} {
		t.Run(name, func(t *testing.T) {
			w := newWay(t)
			w.pass(time.Second, dropped, BeforeGate)
			for range 10 {
				w.pass(trustAfter, p, BeforeGate)
				w.pass(interval, dropped, BeforeGate)
			}
			w.pass(interval, none, BeforeGate)
			if took := w.pass(time.Minute, p, Nowhere); took < trustAfter || took > trustAfter+2*interval {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// TestNoEvidence: packets were lost behind the gate, so the device sends nothing and cannot
// measure that the loss is over. The loss ends when no chain is known that may drop
// packets.
func TestNoEvidence(t *testing.T) {
	w := newWay(t)
	w.pass(time.Second, notLeaving, BehindGate)
	w.suspect = true
	w.pass(time.Hour, closed, BehindGate)
	w.suspect = false
	w.pass(forgetAfter-2*interval, closed, Nowhere)
	w.pass(time.Second, notLeaving, BehindGate)
	w.pass(forgetAfter-2*interval, closed, BehindGate)
	w.pass(time.Second, closed, Nowhere)
	w.pass(time.Second, notLeaving, BehindGate)
}

// TestCountersBeginAnew: a counter that is lower than before is evidence neither for nor
// against a loss.
func TestCountersBeginAnew(t *testing.T) {
	w := newWay(t)
	for range 100 {
		w.pass(lossAfter-interval, shared, Nowhere)
		w.count = Passage{Offered: w.count.Offered}
		w.pass(interval, Passage{Offered: 1000}, Nowhere)
	}
	w.pass(time.Second, dropped, BeforeGate)
	w.count = Passage{}
	w.pass(interval, all, BeforeGate)
}
