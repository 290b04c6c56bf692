package config

import (
	"errors"
	"fmt"
	"strings"
)

// Candidate is a configuration being edited: what was running when the editing
// began, and the changes since. Its Editor takes the commands. It is not safe
// for concurrent use, but several candidates of one store are.
type Candidate struct {
	*Editor
	store *Store
	base  *Model
	since uint64 // newest commit in base
	// changed is a view in which the candidate differed from the base when they were compared
	// last. While it still differs, no other view has to be compared.
	changed View
}

// Changed tells whether the candidate differs from what it began with.
func (c *Candidate) Changed() bool {
	if c.Model.differs(c.base, c.changed) {
		return true
	}
	changed, ok := c.Model.difference(c.base)
	c.changed = changed
	return ok
}

// Changes lists the differences to what it began with, see Diff.
func (c *Candidate) Changes() []string { return Diff(c.base, c.Model, c.keys) }

// Clear drops the changes, takes up what is running now and goes to the system view.
func (c *Candidate) Clear() {
	c.Editor = nil
	c.Drop()
}

// Drop is Clear without leaving the view, as long as its object is there.
func (c *Candidate) Drop() { c.restart(c.store.Running()) }

// Follow takes up what is running now if nothing was changed.
func (c *Candidate) Follow() {
	if running := c.store.Running(); running != c.base && !c.Changed() {
		c.restart(running)
	}
}

// ErrConflict says that a candidate would undo what others have committed.
var ErrConflict = errors.New("the candidate conflicts with what was committed meanwhile")

// ConflictError names what a candidate would undo.
type ConflictError struct {
	Commits   []Point // since the candidate began; empty when a trial has ended
	Conflicts []string
}

func (e *ConflictError) Error() string {
	by := make([]string, len(e.Commits))
	for i, p := range e.Commits {
		by[i] = ", commit " + p.String()
	}
	return ErrConflict.Error() + strings.Join(by, "") + "\n" + strings.Join(e.Conflicts, "\n")
}

// Unwrap makes it an ErrConflict.
func (e *ConflictError) Unwrap() error { return ErrConflict }

// Merged returns what a commit would put in force now; with conflicts, what it
// would after a Refresh. Both may come together.
func (c *Candidate) Merged() (*Model, error) {
	running := c.store.Running()
	if running == c.base {
		return c.Model.Clone(), nil
	}
	m, conflicts, err := merge(c.base, c.Model, running, c.keys)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrConflict, err)
	case len(conflicts) > 0:
		return m, &ConflictError{c.meanwhile(), conflicts}
	}
	return m, nil
}

// merge is Merged without conflicts.
func (c *Candidate) merge() (*Model, error) {
	m, err := c.Merged()
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Refresh takes up what others have committed meanwhile; where the candidate
// changes the same, the candidate prevails, and the error, a *ConflictError,
// tells what it will undo. After any other error the candidate is as it was.
func (c *Candidate) Refresh() error {
	m, err := c.Merged()
	if m == nil {
		return err
	}
	view := c.View
	c.restart(c.store.Running())
	c.Model = m
	if c.View = view; !m.has(view) {
		c.View = SystemView
	}
	return err
}

// meanwhile lists the commits since the candidate began.
func (c *Candidate) meanwhile() []Point {
	points := c.store.Points()
	for i, p := range points {
		if p.ID > c.since {
			return points[i:]
		}
	}
	return nil
}

// restart begins anew with a running configuration, in the same view if it is still there.
func (c *Candidate) restart(running *Model) {
	view := SystemView
	if c.Editor != nil && running.has(c.View) {
		view = c.View
	}
	c.base, c.since = running, c.store.newest()
	c.Editor = newEditor(running.Clone(), c.store.keys)
	c.View = view
}
