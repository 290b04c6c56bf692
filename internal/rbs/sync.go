package rbs

import (
	"slices"
	"time"

	"tandem/internal/instant"
)

// syncProgress is the progress of a synchronisation.
type syncProgress struct {
	began             instant.Time
	moved             instant.Time // when the last frame of a comparison, or of records, came
	ended             instant.Time
	took              time.Duration
	inbound, outbound bool // the synchronisation has ended in this direction
	once              bool // a synchronisation of this connection has ended in both directions, now or earlier
	again             bool // Resync was called while the synchronisation ran
	records           syncCount
	last              syncCount
}

// syncCount counts the records of a synchronisation. full says that one end requested all
// records.
type syncCount struct {
	Sent, Received int
	full           bool
}

// comparing reports whether a comparison is under way, as far as this end knows.
func (s *session) comparing() bool {
	return s.established && (!s.stats.inbound || !s.stats.outbound || s.asking() || s.answers.busy())
}

// endOfSync records that the synchronisation has ended in one direction. When both have
// ended, the synchronisation has ended.
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

// Resync sends all records again in both directions, even if the digests are equal. While
// a synchronisation runs, Resync waits for its end, because the running one may already
// have passed the buckets of records that the caller has added since it began.
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

// audit is the search for databases that differ although no record is under way.
type audit struct {
	quiet     bool // no record was received since the last keepalive
	differing bool
	since     instant.Time
	patience  time.Duration
	diverged  bool // a divergence was found since the session's owner last looked
	alarm     bool // a divergence was found, and the databases were not found equal since
	alarmAt   instant.Time
	repairing bool // the comparison that repairs the divergence has not ended
	// checked is when the databases were last found equal, or their comparison began.
	checked instant.Time
	// suspects are records that the peer has requested in the last comparison although it
	// should have had them. That comparison ended at askedAt. The list is bounded.
	suspects []sentRecord
	askedAt  instant.Time
}

// Bounds of the time that a difference must last before the databases are compared again.
// The time doubles as long as a comparison does not remove the difference. For example,
// the peer may refuse records because of its own limits.
const (
	auditPatienceMin = 5 * time.Second
	auditPatienceMax = 320 * time.Second
	// auditPeriod bounds the time between two comparisons when changes are under way all
	// the time.
	auditPeriod = time.Minute
	// lateAfter is the age from which a record that the peer does not have counts as
	// lacking at the peer. A younger record may still be under way.
	lateAfter = 10 * time.Second
	// proofAfter is how long this end waits for the peer to send a newer version of a
	// record that the peer seemed to lack.
	proofAfter = auditPatienceMin
	// maxSuspects bounds the suspects that are kept. One of them is enough to prove a
	// divergence.
	maxSuspects = 64
	// alarmLeast is the shortest duration of an alarm, even if the databases become equal
	// earlier. So a reader that looks once a second sees every alarm.
	alarmLeast = 2 * time.Second
)

// auditDigest compares the digests of the two databases when a keepalive brings the
// peer's digest.
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
// The comparison recognises records that are still under way by their age.
func (s *session) auditBusy(now instant.Time) {
	if s.InSync() && now.Sub(s.audit.checked) >= auditPeriod && !s.telling && !s.asking() && !s.answers.busy() {
		s.audit.checked = now
		s.startComparison()
	}
}

// noteLacking adds a record that the peer lacks to the suspects.
func (s *session) noteLacking(rec *Record) {
	late := s.clock.reading(s.heard).millis() - rec.Version.Clock.millis()
	if s.InSync() && !rec.Deleted && late > lateAfter.Milliseconds() && !s.dirty.has(rec.Key) && len(s.audit.suspects) < maxSuspects {
		s.audit.suspects = append(s.audit.suspects, sentRecord{rec.Key, rec.Version})
		s.audit.askedAt = instant.Never // until the comparison ends
	}
}

// endLacking ends the search for lacking records when a comparison is complete. If the
// comparison has found no difference, endLacking ends the alarm, unless this comparison
// is the one that repairs the divergence that raised the alarm.
func (s *session) endLacking(now instant.Time) {
	a := &s.audit
	a.askedAt = now
	switch {
	case a.repairing: // the records that it found lacking have been counted already
		a.repairing, a.suspects = false, nil
	case len(a.suspects) == 0:
		a.alarm = false
	}
}

// judge decides whether the peer really lacked a suspect. The peer may have had a newer
// version, or the record may have ended there a moment earlier.
func (s *session) judge(now instant.Time) {
	a := &s.audit
	if len(a.suspects) == 0 || !a.askedAt.IsSet() || now < a.askedAt.Add(proofAfter) {
		return
	}
	found := slices.ContainsFunc(a.suspects, func(r sentRecord) bool {
		rec, ok := s.store.Record(now, r.key)
		return ok && !rec.Deleted && rec.Version == r.version
	})
	a.suspects = nil
	switch {
	case found && !a.alarm: // otherwise the divergence has been counted already
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
