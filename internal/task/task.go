// Package task starts goroutines in one place and gives all of them one way to end.
//
// A goroutine belongs to a [Group]. The end of the group's context tells the goroutine to
// end, and the group waits until it has ended. A goroutine that blocks in a system call
// does not notice the context. The code that starts it has to close the file that it
// reads, for example with [context.AfterFunc], or wake it in another way.
package task

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Task is work in a goroutine of its own.
type Task interface {
	// Run works until it has finished or ctx ends. It returns nil if it has finished or
	// ctx has ended, and otherwise the error that made it fail.
	Run(ctx context.Context) error
	// Ready returns a channel that Run closes when the task does its work, for
	// example when its socket is open.
	Ready() <-chan struct{}
}

// ErrEnded is the error of Start when the group no longer starts goroutines.
var ErrEnded = errors.New("the group of tasks has ended")

// Group is a set of goroutines that end together: when one of them fails, when
// its parent's context ends, or when Stop is called. Its methods may be called
// from any goroutine.
type Group struct {
	ctx context.Context
	end context.CancelFunc

	mu      sync.Mutex
	empty   sync.Cond      // signalled when running is empty
	running map[string]int // number of goroutines, by name
	err     error          // the first error
}

// NewGroup returns an empty group that ends with ctx at the latest.
func NewGroup(ctx context.Context) *Group {
	g := &Group{running: make(map[string]int)}
	g.ctx, g.end = context.WithCancel(ctx)
	g.empty.L = &g.mu
	return g
}

// Go runs f in a goroutine. An error of f ends the group. Errors after the end are
// consequences of it and are ignored. Several goroutines may have the same name, which is
// used in errors and in Running. If the group has ended, Go does not run f and returns
// false.
func (g *Group) Go(name string, f func(ctx context.Context) error) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ctx.Err() != nil {
		return false
	}
	g.running[name]++
	go func() { g.ended(name, f(g.ctx)) }()
	return true
}

// ended records that a goroutine has ended.
func (g *Group) ended(name string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil && g.ctx.Err() == nil {
		g.err = fmt.Errorf("%s: %w", name, err)
		g.end()
	}
	if g.running[name]--; g.running[name] == 0 {
		delete(g.running, name)
	}
	if len(g.running) == 0 {
		g.empty.Broadcast()
	}
}

// Start runs a task as Go runs a function and waits until the task is ready. It returns
// the task's error if the task fails before it is ready, and ErrEnded if the group ends
// before that.
func (g *Group) Start(name string, t Task) error {
	failed := make(chan error, 1)
	started := g.Go(name, func(ctx context.Context) error {
		err := t.Run(ctx)
		failed <- err
		return err
	})
	if !started {
		return ErrEnded
	}
	select {
	case <-t.Ready():
		return nil
	case err := <-failed:
		return err // nil if the task has finished already
	case <-g.ctx.Done():
	}
	select {
	case err := <-failed: // the failure of the task may have ended the group
		return cmp.Or(err, ErrEnded)
	default:
		return ErrEnded
	}
}

// Context ends when the group ends.
func (g *Group) Context() context.Context { return g.ctx }

// Wait waits until all goroutines of the group have ended, without telling them to end.
// It returns the error that has ended the group, nil if there was none.
func (g *Group) Wait() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(g.running) > 0 {
		g.empty.Wait()
	}
	return g.err
}

// Stop ends the group and waits for its goroutines, see Wait.
func (g *Group) Stop() error {
	g.mu.Lock() // the lock prevents that a goroutine starts without noticing the end
	g.end()
	g.mu.Unlock()
	return g.Wait()
}

// Running lists the names of the goroutines that have not ended, sorted.
func (g *Group) Running() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Sorted(maps.Keys(g.running))
}
