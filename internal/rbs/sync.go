package rbs

import (
	"slices"
	"time"

	"tandem/internal/instant"
)

// syncProgress tells how far a synchronisation has come.
type syncProgress struct {
	began             instant.Time
	moved             instant.Time // when the latest frame of a comparison, or of records, came
	ended             instant.Time
	took              time.Duration
	inbound, outbound bool // ended in this direction
	once              bool // ended in both, now or earlier
	again             bool // another one has been asked for meanwhile
	records           syncCount
	last              syncCount
}

// syncCount counts the records of a synchronisation; full: one end asked for all.
type syncCount struct {
	Sent, Received int
	full           bool
}

// comparing reports whether a comparison is under way, so far as this end knows.
func (s *session) comparing() bool {
	return s.established && (!s.stats.inbound || !s.stats.outbound || s.asking() || s.answers.busy())
}

// endOfSync notes that one direction has ended; the second completes the synchronisation.
func (s *session) endOfSync(now instant.Time, direction *bool) {
	running := !s.stats.inbound || !s.stats.outbound
	*direction = true
	if running && s.stats.inbound && s.stats.outbound {
		s.stats.once, s.stats.ended, s.stats.took = true, now, now.Sub(s.stats.began)
		s.stats.last = s.stats.records
		s.counters.Syncs++
		s.audit.checked = now
	}
	if s.stats.again && s.stats.inbound && s.stats.outbound {
		s.Resync(now)
	}
}

// Resync sends everything again in both directions, whatever the digests say.
// While a synchronisation is running it waits for that to end: the running one
// may have passed the buckets that the caller has put records into.
func (s *session) Resync(now instant.Time) {
	if !s.stats.inbound || !s.stats.outbound || s.answers.busy() || s.asking() {
		s.stats.again = s.established
		return
	}
	s.stats.again = false
	s.stats.began, s.stats.moved, s.stats.inbound, s.stats.outbound = now, now, false, false
	s.stats.records = syncCount{full: true}
	s.askEverything()
	s.queue = append(s.queue, s.wholeAnswer())
}

// audit looks for databases that differ although nothing is under way.
type audit struct {
	quiet     bool // no record has come since the last keepalive
	differing bool
	since     instant.Time
	patience  time.Duration
	diverged  bool // found since the caller last looked
	alarm     bool // found, and not found equal since
	alarmAt   instant.Time
	repairing bool // the comparison that is to mend what was found has not ended
	// checked is when the databases were last found equal or their comparison began.
	checked instant.Time
	// suspects are some of the records that the peer should have had, found by the last
	// comparison, which ended at askedAt.
	suspects []sentRecord
	askedAt  instant.Time
}

// Bounds of how long a difference must last before the databases are compared
// again. The wait doubles while comparing does not help, as when the peer
// refuses records for a limit of its own.
const (
	auditPatienceMin = 5 * time.Second
	auditPatienceMax = 320 * time.Second
	// auditPeriod bounds how long the databases go uncompared although something
	// is under way all the time.
	auditPeriod = time.Minute
	// lateAfter is how old a record must be to count as lacking at the peer, not as under way.
	lateAfter = 10 * time.Second
	// proofAfter is how long a newer version of a record that the peer seemed to lack may
	// take to come from there.
	proofAfter = auditPatienceMin
	// maxSuspects are kept: one proves a divergence.
	maxSuspects = 64
	// alarmLeast is how long an alarm holds at least, however soon the databases are equal
	// again, so that whoever looks each second sees it.
	alarmLeast = 2 * time.Second
)

// auditDigest compares the digests of the databases when a keepalive tells the peer's.
func (s *session) auditDigest(now instant.Time) {
	idle := s.audit.quiet && s.InSync() && s.dirty.len() == 0 && s.window.frames.len() == 0 && !s.answers.busy() && !s.asking()
	s.audit.quiet = true
	s.judge(now)
	if !idle {
		s.audit.differing = false
		s.auditBusy(now)
		return
	}
	if s.peerDigest == totalDigest(s.store) {
		s.audit.differing, s.audit.patience = false, 0
		s.audit.alarm = s.audit.alarm && now < s.audit.alarmAt.Add(alarmLeast)
		s.audit.checked = now
		return
	}
	if !s.audit.differing {
		s.audit.differing, s.audit.since = true, now
		s.audit.patience = max(s.audit.patience, auditPatienceMin)
	}
	if now.Sub(s.audit.since) < s.audit.patience {
		return
	}
	s.audit.differing, s.audit.repairing = false, true
	s.audit.patience = min(2*s.audit.patience, auditPatienceMax)
	s.diverged(now)
	s.startComparison()
}

// auditBusy has the databases compared where there is no moment at which their
// digests could be equal. What is under way is told apart by its age.
func (s *session) auditBusy(now instant.Time) {
	if s.InSync() && now.Sub(s.audit.checked) >= auditPeriod && !s.telling && !s.asking() && !s.answers.busy() {
		s.audit.checked = now
		s.startComparison()
	}
}

// noteLacking notes a record that the peer turns out not to have.
func (s *session) noteLacking(rec *Record) {
	late := s.clock.reading(s.heard).millis() - rec.Version.Clock.millis()
	if s.InSync() && !rec.Deleted && late > lateAfter.Milliseconds() && !s.dirty.has(rec.Key) && len(s.audit.suspects) < maxSuspects {
		s.audit.suspects = append(s.audit.suspects, sentRecord{rec.Key, rec.Version})
	}
}

// endLacking ends a comparison that the peer has gone through with. One that finds
// nothing ends the alarm, but for that which is to mend what raised it.
func (s *session) endLacking(now instant.Time) {
	a := &s.audit
	a.askedAt = now
	switch {
	case a.repairing: // what it finds has been counted
		a.repairing, a.suspects = false, nil
	case len(a.suspects) == 0:
		a.alarm = false
	}
}

// judge tells records that the peer lacked from those of which it had a newer version, or
// which ended there a moment sooner.
func (s *session) judge(now instant.Time) {
	a := &s.audit
	if len(a.suspects) == 0 || now < a.askedAt.Add(proofAfter) {
		return
	}
	found := slices.ContainsFunc(a.suspects, func(r sentRecord) bool {
		rec, ok := s.store.Record(r.key)
		return ok && !rec.Deleted && rec.Version == r.version
	})
	a.suspects = nil
	switch {
	case found && !a.alarm: // otherwise it has been counted
		s.diverged(now)
	case !found:
		a.alarm = false
	}
}

// diverged counts a divergence and raises the alarm.
func (s *session) diverged(now instant.Time) {
	s.audit.diverged, s.audit.alarm, s.audit.alarmAt = true, true, now
	s.counters.Divergences++
}
