package proof

import (
	"testing"
	"time"

	"tandem/internal/instant"
)

// interval is how often the way is looked at.
const interval = 100 * time.Millisecond

// way is an interface on the way to which packets are lost or not.
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

// step lets an interval go by in which packets were counted.
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

// pass takes steps of the same kind for a while, up to the first after which packets are lost
// elsewhere than before. It returns how long that was, and fails if it is not as expected.
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

// What is counted in an interval.
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

// TestShortLoss: what ends within half a second is not told, however often it comes.
func TestShortLoss(t *testing.T) {
	w := newWay(t)
	for range 100 {
		w.pass(lossAfter-interval, dropped, Nowhere)
		w.pass(interval, shared, Nowhere)
	}
}

// TestSlowStream: one packet in a second shows a loss at the second one that is lost.
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

// TestReadingInBetween: a packet that has not come out at the look, but at the next one, is
// not lost.
func TestReadingInBetween(t *testing.T) {
	w := newWay(t)
	for range 100 {
		w.pass(interval, Passage{Offered: 1}, Nowhere)
		w.pass(interval, Passage{Passed: 1}, Nowhere)
		w.pass(interval, Passage{Left: 1}, Nowhere)
	}
}

// TestTrustComesBack: after a second in which most packets come out, not sooner, and not while
// some looks still find them lost. A closed gate shows the way to it.
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

// TestNoEvidence: a device that sends nothing since packets were lost behind its gate cannot see
// that they no longer are. It tries again when there is nobody who might drop them.
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

// TestCountersBeginAnew: a lower counter is no loss and no proof.
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
