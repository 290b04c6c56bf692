package rbs

import (
	"net/netip"
	"testing"
	"time"

	"tandem/internal/instant"
)

// oneRecord is a store that has one record.
type oneRecord struct {
	Store
	rec Record
}

func (s oneRecord) Record(instant.Time, Key) (Record, bool) { return s.rec, true }

// TestSuspectIsJudgedAfterItsOwnComparison: a keepalive in the middle of a comparison judges no record that
// the peer has just asked for: the end of an earlier comparison says nothing of this one.
func TestSuspectIsJudgedAfterItsOwnComparison(t *testing.T) {
	now := instant.FromOrigin(time.Hour)
	clock := NewClock(time.Unix(1_700_000_000, 0), instant.FromOrigin(0))
	rec := Record{Key: Key{Group: netip.MustParseAddr("ff3e::8000:1")}, Version: Version{Clock: clock.Now(instant.FromOrigin(time.Minute))}}
	s := &session{clock: clock, store: oneRecord{rec: rec}, heard: now, counters: &Counters{}}
	s.stats.once = true
	s.endLacking(now.Add(-time.Minute)) // of an earlier comparison
	s.noteLacking(&rec)
	if len(s.audit.suspects) != 1 {
		t.Fatal("it is no suspect")
	}
	if s.judge(now); s.counters.Divergences != 0 {
		t.Error("it is counted while the comparison that found it goes on")
	}
	s.endLacking(now.Add(time.Second))
	if s.judge(now.Add(time.Second + proofAfter)); s.counters.Divergences != 1 {
		t.Errorf("%d divergences after the comparison, want 1", s.counters.Divergences)
	}
}
