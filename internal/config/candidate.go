package config

import (
	"errors"
	"fmt"
	"strings"
)

// Candidate is a configuration that is being edited: the running configuration at the
// start, and the changes since. Its Editor executes the commands. Only one goroutine may
// use a candidate at a time. Several goroutines may use different candidates of one store.
type Candidate struct {
	*Editor
	store *Store
	base  *Model
	since uint64 // newest commit that base contains
	// changed is a view in which the candidate differed from the base at the last
	// comparison. While it still differs, no other view has to be compared.
	changed View
}

// Changed reports whether the candidate differs from its base.
func (c *Candidate) Changed() bool {
	if c.Model.differs(c.base, c.changed) {
		return true
	}
	changed, ok := c.Model.difference(c.base)
	c.changed = changed
	return ok
}

// Changes lists the differences between the candidate and its base, see Diff.
func (c *Candidate) Changes() []string { return Diff(c.base, c.Model, c.keys) }

// Clear drops the changes, takes the present running configuration as the base and returns
// to the system view.
func (c *Candidate) Clear() {
	c.Editor = nil
	c.Drop()
}

// Drop does what Clear does, but stays in the view if its object still exists.
func (c *Candidate) Drop() { c.restart(c.store.Running()) }

// Follow takes the present running configuration as the base if the candidate has no
// changes.
func (c *Candidate) Follow() {
	if running := c.store.Running(); running != c.base && !c.Changed() {
		c.restart(running)
	}
}

// ErrConflict means that a candidate would undo what other users have committed.
var ErrConflict = errors.New("the candidate conflicts with what was committed meanwhile")

// ConflictError lists what a candidate would undo.
type ConflictError struct {
	Commits   []Point // commits since the candidate began; empty if a trial has ended
	Conflicts []string
}

func (e *ConflictError) Error() string {
	by := make([]string, len(e.Commits))
	for i, p := range e.Commits {
		by[i] = ", commit " + p.String()
	}
	return ErrConflict.Error() + strings.Join(by, "") + "\n" + strings.Join(e.Conflicts, "\n")
}

// Unwrap makes errors.Is report ErrConflict.
func (e *ConflictError) Unwrap() error { return ErrConflict }

// Merged returns the configuration that a commit would put in force now. If there are
// conflicts, it returns both an error and the configuration that a commit would put in
// force after Refresh.
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

// merge returns what Merged returns, but no configuration if there are conflicts.
func (c *Candidate) merge() (*Model, error) {
	m, err := c.Merged()
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Refresh merges into the candidate what other users have committed since the candidate
// began. If both have changed the same setting, the candidate's value stays, and the
// returned *ConflictError lists what the candidate will undo. After any other error the
// candidate is unchanged.
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

// restart takes a running configuration as the base and drops the changes. It stays in the
// same view if its object still exists.
func (c *Candidate) restart(running *Model) {
	view := SystemView
	if c.Editor != nil && running.has(c.View) {
		view = c.View
	}
	c.base, c.since = running, c.store.newest()
	c.Editor = newEditor(running.Clone(), c.store.keys)
	c.View = view
}
