package config

import (
	"fmt"

	"tandem/internal/command"
)

// Candidate is a configuration being edited: what was running when the editing
// began, and the commands since. Its Editor takes the commands. It is not safe
// for concurrent use, but several candidates of one store are.
type Candidate struct {
	*Editor
	store *Store
	base  *Model
	// changed is a view whose object differed when it was looked at last: as long
	// as it does, nothing else has to be compared.
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
	c.restart(c.store.Running())
	c.View = SystemView
}

// Replace makes the candidate equal to m, for a rollback.
func (c *Candidate) Replace(m *Model) {
	// The step cannot fail.
	_ = c.do(command.Args{}, func(e *Editor, _ command.Args) error {
		e.Model = m.Clone()
		return nil
	})
}

// Refresh repeats the candidate's commands on top of what is running now, so
// that it holds what others have committed meanwhile. After an error, which
// names the first command that the new configuration refuses, the candidate is as it was.
func (c *Candidate) Refresh() error {
	running := c.store.Running()
	if running == c.base {
		return nil
	}
	again := NewEditor(running.Clone(), c.keys)
	for _, s := range c.log {
		if again.View = s.view; !again.Model.has(s.view) {
			return fmt.Errorf("%w: %s %s was removed", ErrConflict, s.view.Kind, s.view.Name)
		}
		if err := again.do(s.args, s.run); err != nil {
			return fmt.Errorf("%w: %w", ErrConflict, err)
		}
	}
	if again.View = c.View; !again.Model.has(c.View) {
		again.View = SystemView
	}
	c.Editor, c.base = again, running
	return nil
}

// restart begins anew with a running configuration, in the same view if it is still there.
func (c *Candidate) restart(running *Model) {
	view := c.View
	c.base = running
	c.Editor = NewEditor(running.Clone(), c.keys)
	if running.has(view) {
		c.View = view
	}
}
