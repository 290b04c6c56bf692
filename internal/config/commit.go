package config

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"time"
)

// Apply makes a device use a configuration. After an error the device uses the previous
// one.
type Apply func(*Model) error

// CommitOptions are the options of a commit.
type CommitOptions struct {
	PointInfo
	// Trial makes the commit a trial of this length. If no user confirms it in time, the
	// previous configuration is restored. Zero means an ordinary commit.
	Trial time.Duration
	// Persist is a word with which other sessions may confirm the trial. A commit with
	// Trial sets the word. A commit without Trial and with this word confirms the trial.
	Persist string
	// Ended is called when a trial has ended without a confirmation. The error is nil if
	// the previous configuration is in force again; otherwise it says why not.
	Ended func(error)
}

// Outcome is the result of a commit.
type Outcome struct {
	Point    Point    // its ID is 0 if nothing has changed, and for a trial
	Warnings Problems // warnings of Validate
	// Kept lists the commits of other users since the candidate began. Their changes
	// remain in force.
	Kept []Point
}

// Commit puts a candidate in force. It merges what other users have committed since the
// candidate began. Then it validates, writes and applies the result, and only then makes
// it the running configuration. If nothing has changed, it does not call apply. The error
// is a *ConflictError if the candidate would undo what other users have committed, and an
// *InvalidError if the model is not valid. After an error the running configuration and
// the candidate are unchanged.
func (s *Store) Commit(c *Candidate, o CommitOptions, apply Apply) (Outcome, error) {
	s.committing.Lock()
	defer s.committing.Unlock()
	if err := s.mayCommit(c, o); err != nil {
		return Outcome{}, err
	}
	kept := c.meanwhile()
	next, err := c.merge()
	if err != nil {
		return Outcome{}, err
	}
	problems, err := validated(next)
	if err != nil {
		return Outcome{}, err
	}
	out := Outcome{Warnings: problems, Kept: kept}
	_, changes := next.difference(s.running)
	switch {
	case o.Trial > 0 && changes:
		err = s.try(c, o, next, apply)
	case s.trial != nil:
		// A label or description of the trial stays unless the confirmation gives another
		// one.
		o.Label = cmp.Or(o.Label, s.trial.Label)
		o.Description = cmp.Or(o.Description, s.trial.Description)
		out.Point, err = s.install(o.PointInfo, next, apply)
	case changes:
		out.Point, err = s.install(o.PointInfo, next, apply)
	}
	if err != nil {
		return Outcome{}, err
	}
	c.restart(next)
	return out, nil
}

// validated returns the warnings of a model, or an error if it cannot be committed.
func validated(m *Model) (Problems, error) {
	problems := Validate(m)
	if failed := problems.errors(); len(failed) > 0 {
		return nil, &InvalidError{failed}
	}
	return problems.Warnings(), nil
}

// Rollback puts the configuration of a commit point in force again, as a new commit.
func (s *Store) Rollback(id uint64, info PointInfo, apply Apply) (Outcome, error) {
	s.committing.Lock()
	defer s.committing.Unlock()
	if s.trial != nil {
		return Outcome{}, s.trial.refusal()
	}
	m, err := s.Load(id)
	if err != nil {
		return Outcome{}, err
	}
	problems, err := validated(m)
	if err != nil {
		return Outcome{}, err
	}
	out := Outcome{Warnings: problems}
	if _, changes := m.difference(s.running); changes {
		out.Point, err = s.install(info, m, apply)
	}
	return out, err
}

// install makes a model the newest commit and ends the trial, if there is one. It first
// writes the file under another name, so that a full disk is noticed before anything is
// applied.
func (s *Store) install(info PointInfo, next *Model, apply Apply) (Point, error) {
	point := Point{ID: s.nextID(), At: time.Now().UTC().Truncate(time.Second), Boot: s.boot, PointInfo: info}
	file, err := stage(s.path(point.ID), point.file(s.text(next)))
	if err != nil {
		return Point{}, fmt.Errorf("the commit cannot be written, nothing is changed: %w", err)
	}
	defer file.discard()
	before := s.Running()
	if err := apply(next); err != nil {
		return Point{}, fmt.Errorf("the commit cannot be applied, nothing is changed: %w", err)
	}
	if err := file.publish(); err != nil {
		return Point{}, errors.Join(fmt.Errorf("the commit cannot be written and is taken back: %w", err), apply(before))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endTrial()
	s.running = next
	s.points = append(s.points, point)
	for len(s.points) > keptPoints {
		// If the old file cannot be removed, this does no harm.
		_ = os.Remove(s.path(s.points[0].ID))
		s.points = s.points[1:]
	}
	return point, nil
}
