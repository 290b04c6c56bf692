package rbs

import (
	"testing"
	"time"
)

var newYear = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestClockGrowsAndGoesWithTime(t *testing.T) {
	c := NewClock(newYear, after(5*time.Second))
	a, b := c.Now(after(5*time.Second)), c.Now(after(5*time.Second))
	if !a.Time().Equal(newYear) || a.Counter() != 0 || b != a+1 {
		t.Fatal(a.Time(), a.Counter(), b-a)
	}
	if later := c.Now(after(65 * time.Second)); !later.Time().Equal(newYear.Add(time.Minute)) {
		t.Fatal(later.Time())
	}
	if back := c.Now(after(0)); back <= b {
		t.Fatal("a reading that does not grow")
	}
}

func TestClockFollowsAPeerThatIsAhead(t *testing.T) {
	ours, theirs := NewClock(newYear, after(0)), NewClock(newYear.Add(time.Hour), after(0))
	heard := theirs.Now(after(0))
	ours.Observe(after(0), heard)
	if s := ours.Now(after(0)); s <= heard {
		t.Fatal("the later write must win")
	}
	// The nodes cannot communicate for ten minutes, and still the later write wins.
	at := after(10 * time.Minute)
	if s := ours.Now(at.Add(time.Second)); s <= theirs.Now(at) {
		t.Fatal("the peer's writes win although ours are later")
	}
	if s := theirs.Now(at.Add(2 * time.Second)); s <= ours.Now(at.Add(time.Second)) {
		t.Fatal("our writes win although the peer's are later")
	}
	if ours.Ahead() != time.Hour || theirs.Ahead() != 0 {
		t.Fatal(ours.Ahead(), theirs.Ahead())
	}
}

func TestClockDoesNotRunAwayWithAPeer(t *testing.T) {
	a, b := NewClock(newYear, after(0)), NewClock(newYear, after(0))
	for now := after(0); now < after(time.Minute); now = now.Add(time.Millisecond) {
		b.Observe(now, a.Now(now))
		a.Observe(now, b.Now(now))
	}
	if a.Ahead()+b.Ahead() > time.Millisecond {
		t.Fatal(a.Ahead(), b.Ahead())
	}
}

func TestClockSurvivesAbsurdReadings(t *testing.T) {
	c := NewClock(time.Unix(-1, 0), after(0))
	if c.Now(after(0)) == 0 {
		t.Fatal("no reading may be 0, that of a record never written")
	}
	c.Observe(after(0), maxStamp+1)
	if c.Ahead() != 0 {
		t.Fatal("a reading beyond the range was believed")
	}
	c.Observe(after(0), maxStamp)
	if c.Now(after(0)) <= maxStamp || c.Ahead() < 290*365*24*time.Hour {
		t.Fatal(c.Ahead())
	}
}

func TestVersionOrder(t *testing.T) {
	for _, c := range []struct {
		v, o Version
		want int
	}{
		{Version{1, 1}, Version{1, 1}, 0},
		{Version{1, 9}, Version{2, 1}, -1},
		{Version{2, 1}, Version{2, 2}, -1},
		{Version{3, 1}, Version{2, 2}, 1},
	} {
		if c.v.Compare(c.o) != c.want || c.o.Compare(c.v) != -c.want {
			t.Errorf("%v, %v", c.v, c.o)
		}
	}
}

// The hashes are on the wire: these values were computed by another program
// from the protocol's description.
func TestHash(t *testing.T) {
	k := goldenRecord.Key
	if h := uint64(HashOf(k)); h != 0x01e3531e6e239bcc {
		t.Errorf("key %016x", h)
	}
	if h := Hash(k, goldenRecord.Version); h != 0xc2196fd5d4f86af1 {
		t.Errorf("record %016x", h)
	}
	if b := BucketOf(k, 256); b != 1 {
		t.Errorf("bucket %d", b)
	}
}

func TestBucketsAreEven(t *testing.T) {
	const n, keys = 256, 256 * 100
	var count [n]int
	for i := range keys {
		k := keyOf(i)
		k.SubInterface = uint32(i >> 16)
		count[BucketOf(k, n)]++
	}
	for b, c := range count {
		if c < 50 || c > 160 {
			t.Errorf("bucket %d has %d keys of an expected 100", b, c)
		}
	}
}
