package proof

import (
	"maps"
	"testing"
	"time"

	"tandem/internal/instant"
)

// TestFinding: each device knows where a stream arrives, which device sends it in the
// other's stead, and since when. A successor with its memory knows this, too.
func TestFinding(t *testing.T) {
	c := newCouple(1, every(time.Millisecond), every(time.Millisecond), every(time.Millisecond))
	c.run(2*time.Second, nil)
	a, b := c.nodes[0], c.nodes[1]
	sound := Finding{Here: true, Peer: true}
	if !a.Compared() || a.Find(0) != sound || b.Find(0) != sound || a.Find(7) != (Finding{}) || len(maps.Collect(a.Faulty())) != 0 {
		t.Errorf("nothing is lost: %+v, %+v, of no stream %+v", a.Find(0), b.Find(0), a.Find(7))
	}
	began := c.now
	a.lost[0] = true
	c.run(time.Second, nil)
	inTime := func(at instant.Time) bool { return at > began && at.Sub(began) < 300*time.Millisecond }
	here, there := a.Find(0), b.Find(0)
	if here.Here || !here.Peer || !inTime(here.LackingFrom) || here.StandsInFrom.IsSet() {
		t.Errorf("a stream is lost here: %+v", here)
	}
	if !there.Here || there.Peer || !inTime(there.StandsInFrom) || there.LackingFrom.IsSet() {
		t.Errorf("a stream is lost at the peer: %+v", there)
	}
	c.run(5*time.Second, nil)
	for i, n := range c.nodes {
		var successor Arriving[uint32]
		successor.Resume(n.Memory())
		want := map[uint32]Finding{0: []Finding{here, there}[i]}
		if got := maps.Collect(n.Faulty()); !maps.Equal(got, want) || !maps.Equal(maps.Collect(successor.Faulty()), want) {
			t.Errorf("five seconds later: %+v, a successor %+v, want %+v", got, maps.Collect(successor.Faulty()), want)
		}
	}
	a.lost[0] = false
	c.run(3*time.Second, nil)
	if a.Find(0) != sound || b.Find(0) != sound {
		t.Errorf("it is back: %+v, %+v", a.Find(0), b.Find(0))
	}
}
