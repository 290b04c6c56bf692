package rbs

import (
	"slices"
	"time"

	"tandem/internal/instant"
)

// syncProgress is the progress of a synchronisation.
type syncProgress struct {
	began             instant.Time
	moved             instant.Time // when the latest frame of a comparison, or of records, came
	ended             instant.Time
	took              time.Duration
	inbound, outbound bool // this direction has ended
	once              bool // ended in both, now or earlier
	again             bool // another one has been asked for while it ran
	records           syncCount
	last              syncCount
}

// syncCount counts the records of a synchronisation. full says that one end asked for all.
type syncCount struct {
	Sent, Received int
	full           bool
}

// comparing reports whether a comparison is under way, as far as this end knows.
func (s *session) comparing() bool {
	return s.established && (!s.stats.inbound || !s.stats.outbound || s.asking() || s.answers.busy())
}

// endOfSync notes that one direction has ended. The synchronisation ends with the second.
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

// Resync sends all records again in both directions, whatever the digests say. While a
// synchronisation runs, Resync waits for its end, because that one may have passed the
// buckets of records that the caller has added since.
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
	quiet     bool // no record was received since the last keepalive
	differing bool
	since     instant.Time
	patience  time.Duration
	diverged  bool // a divergence was found since the caller last asked
	alarm     bool // a divergence was found, and the databases were not found equal since
	alarmAt   instant.Time
	repairing bool // the comparison that repairs the divergence has not ended
	// checked is when the databases were last found equal or their comparison began.
	checked instant.Time
	// suspects are records that the peer should have had and asked for in the last comparison,
	// which ended at askedAt. Not all are kept.
	suspects []sentRecord
	askedAt  instant.Time
}

// Bounds of the time that a difference must last before the databases are compared again.
// The time doubles as long as comparing does not help. For example, the peer may refuse
// records because of its own limits.
const (
	auditPatienceMin = 5 * time.Second
	auditPatienceMax = 320 * time.Second
	// auditPeriod bounds the time between two comparisons if records are under way all the time.
	auditPeriod = time.Minute
	// lateAfter is the age from which a record that the peer does not have counts as lacking.
	// A younger one may be under way.
	lateAfter = 10 * time.Second
	// proofAfter is the time in which the peer may send a newer version of a record that it
	// seemed to lack.
	proofAfter = auditPatienceMin
	// maxSuspects bounds the suspects that are kept. One of them proves a divergence.
	maxSuspects = 64
	// alarmLeast is the shortest time of an alarm, even if the databases are equal before. So
	// a reader that looks once a second sees every alarm.
	alarmLeast = 2 * time.Second
)

// auditDigest compares the digests of the two databases when a keepalive carries the peer's.
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

// auditBusy starts a comparison if changes come so fast that the digests are never equal.
// Records that are under way are recognised by their age.
func (s *session) auditBusy(now instant.Time) {
	if s.InSync() && now.Sub(s.audit.checked) >= auditPeriod && !s.telling && !s.asking() && !s.answers.busy() {
		s.audit.checked = now
		s.startComparison()
	}
}

// noteLacking notes a record that the peer does not have.
func (s *session) noteLacking(rec *Record) {
	late := s.clock.reading(s.heard).millis() - rec.Version.Clock.millis()
	if s.InSync() && !rec.Deleted && late > lateAfter.Milliseconds() && !s.dirty.has(rec.Key) && len(s.audit.suspects) < maxSuspects {
		s.audit.suspects = append(s.audit.suspects, sentRecord{rec.Key, rec.Version})
	}
}

// endLacking ends a comparison that is complete. If it has found no difference, it ends the
// alarm, unless it is the comparison that repairs what raised the alarm.
func (s *session) endLacking(now instant.Time) {
	a := &s.audit
	a.askedAt = now
	switch {
	case a.repairing: // its findings have been counted already
		a.repairing, a.suspects = false, nil
	case len(a.suspects) == 0:
		a.alarm = false
	}
}

// judge decides whether the peer really lacked a record. It may have had a newer version, or
// the record may have ended there a moment earlier.
func (s *session) judge(now instant.Time) {
	a := &s.audit
	if len(a.suspects) == 0 || now < a.askedAt.Add(proofAfter) {
		return
	}
	found := slices.ContainsFunc(a.suspects, func(r sentRecord) bool {
		rec, ok := s.store.Record(now, r.key)
		return ok && !rec.Deleted && rec.Version == r.version
	})
	a.suspects = nil
	switch {
	case found && !a.alarm: // otherwise it has been counted already already
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
