package config

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"time"
)

// Apply brings a device to a configuration. After an error the device runs the
// one before.
type Apply func(*Model) error

// CommitOptions say how to commit.
type CommitOptions struct {
	PointInfo
	// Trial makes the commit one for so long: unless it is confirmed by then, the
	// configuration before comes back. Zero commits for good.
	Trial time.Duration
	// Persist is a word with which other sessions may confirm the trial: given
	// with Trial it is set, given without the trial of that word is confirmed.
	Persist string
	// Ended is told when a trial has ended by itself: nil when the configuration
	// before is back, else why it could not be put back yet.
	Ended func(error)
}

// Outcome is what came of a commit.
type Outcome struct {
	Point    Point    // its ID is 0 when nothing was to be committed, or on trial
	Warnings Problems // of Validate
	// Kept are the commits of others since the candidate began. What they changed
	// is still there.
	Kept []Point
}

// Commit puts a candidate in force: what others have committed meanwhile is
// taken up, the whole is validated, written, applied, and only then made the
// running configuration. Without changes apply is not called. The error is a
// *ConflictError when the candidate would undo what others have committed, an
// *InvalidError when the model is at fault; after an error the running
// configuration is the old one and the candidate as it was.
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
		// What was said of the trial holds, unless it is said anew.
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

// validated returns the warnings of a model, or why it cannot be committed.
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

// install makes a model the newest commit and ends the trial, if one is running.
// The file is written under another name first, so that a full disk is found
// out before anything is applied.
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
		// One file too many does no harm.
		_ = os.Remove(s.path(s.points[0].ID))
		s.points = s.points[1:]
	}
	return point, nil
}
