package config

import (
	"fmt"
	"time"
)

// retryTrial is how soon the end of a trial is tried again if it has failed.
const retryTrial = 10 * time.Second

// trial is a configuration that is in force until it is confirmed or its time is over. It
// is not written to a file, so a daemon that restarts uses the previous configuration.
type trial struct {
	CommitOptions
	by     *Candidate // the candidate whose commit confirms the trial
	until  time.Time
	before *Model
	apply  Apply
	timer  *time.Timer
}

// TrialInfo describes a trial.
type TrialInfo struct {
	PointInfo
	Persist string    // empty if only the same session can confirm it
	Until   time.Time // when the previous configuration is restored
}

// Trial returns the trial that is in force. It returns ok false if there is none.
func (s *Store) Trial() (info TrialInfo, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trial == nil {
		return TrialInfo{}, false
	}
	return TrialInfo{s.trial.PointInfo, s.trial.Persist, s.trial.until}, true
}

// TrialError means that an operation must wait for the end of a trial.
type TrialError struct{ TrialInfo }

func (e *TrialError) Error() string {
	return fmt.Sprintf("a trial of %s is running; it has to be confirmed by its session or ended with abort trial", e.User)
}

func (t *trial) refusal() error {
	return &TrialError{TrialInfo{t.PointInfo, t.Persist, t.until}}
}

// mayCommit returns an error if a trial prevents the commit, or if the label is already
// used.
func (s *Store) mayCommit(c *Candidate, o CommitOptions) error {
	t := s.trial
	switch {
	case t == nil && o.Persist != "" && o.Trial == 0:
		return fmt.Errorf("no trial of the word %s is running", o.Persist)
	case t == nil:
	case o.Trial > 0 || t.by != c && (o.Persist == "" || o.Persist != t.Persist):
		return t.refusal()
	}
	return s.free(o.Label)
}

// try puts a model in force for a limited time.
func (s *Store) try(c *Candidate, o CommitOptions, next *Model, apply Apply) error {
	t := &trial{CommitOptions: o, by: c, until: time.Now().Add(o.Trial), before: s.running, apply: apply}
	if err := apply(next); err != nil {
		return fmt.Errorf("the commit cannot be applied, nothing is changed: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running, s.trial = next, t
	t.timer = time.AfterFunc(o.Trial, func() { s.expire(t) })
	return nil
}

// expire ends a trial whose time is over, unless it has ended already.
func (s *Store) expire(t *trial) {
	s.committing.Lock()
	defer s.committing.Unlock()
	if s.trial != t {
		return
	}
	err := s.putBack()
	if err != nil {
		t.timer.Reset(retryTrial)
	}
	if t.Ended != nil {
		t.Ended(err)
	}
}

// AbortTrial ends the trial and restores the previous configuration.
func (s *Store) AbortTrial() error {
	s.committing.Lock()
	defer s.committing.Unlock()
	if s.trial == nil {
		return fmt.Errorf("no trial is running")
	}
	return s.putBack()
}

func (s *Store) putBack() error {
	t := s.trial
	if err := t.apply(t.before); err != nil {
		return fmt.Errorf("the configuration before the trial cannot be put back: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = t.before
	s.endTrial()
	return nil
}

// endTrial removes the trial, if there is one.
func (s *Store) endTrial() {
	if s.trial != nil {
		s.trial.timer.Stop()
		s.trial = nil
	}
}
