package task

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var errBroken = errors.New("broken")

// untilEnd works until its context ends.
func untilEnd(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestFirstErrorEndsTheGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGroup(t.Context())
		g.Go("worker", untilEnd)
		g.Go("reader", func(context.Context) error {
			time.Sleep(time.Second)
			return errBroken
		})
		g.Go("late", func(context.Context) error {
			time.Sleep(2 * time.Second)
			return errors.New("closed")
		})
		began := time.Now()
		err := g.Wait()
		if !errors.Is(err, errBroken) || err.Error() != "reader: broken" {
			t.Errorf("the group ended with %v", err)
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("it waited for %v, not for all", took)
		}
		if g.Go("more", untilEnd) {
			t.Error("a group that has ended starts something")
		}
	})
}

func TestStopWaitsForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGroup(t.Context())
		var ended atomic.Int32
		for range 3 {
			g.Go("worker", func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(time.Second) // time for cleaning up
				ended.Add(1)
				return errBroken
			})
		}
		g.Go("short", func(context.Context) error { return nil })
		synctest.Wait()
		if got := g.Running(); !slices.Equal(got, []string{"worker"}) {
			t.Errorf("running: %v", got)
		}
		if err := g.Stop(); err != nil {
			t.Errorf("an error after the end counts: %v", err)
		}
		if ended.Load() != 3 || len(g.Running()) > 0 {
			t.Errorf("%d have ended, running: %v", ended.Load(), g.Running())
		}
	})
}

func TestWaitDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGroup(t.Context())
		g.Go("reader", func(ctx context.Context) error {
			time.Sleep(time.Second)
			return ctx.Err()
		})
		if err := g.Wait(); err != nil {
			t.Errorf("Wait ended the group: %v", err)
		}
		if !g.Go("another", func(context.Context) error { return nil }) {
			t.Error("nothing can be started after Wait")
		}
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	})
}

func TestParentEndsTheGroup(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	g := NewGroup(ctx)
	g.Go("worker", untilEnd)
	cancel()
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

// opener is a task that takes a while to be ready, or fails.
type opener struct {
	fails error
	ready chan struct{}
}

func (o *opener) Ready() <-chan struct{} { return o.ready }

func (o *opener) Run(ctx context.Context) error {
	time.Sleep(time.Second)
	if o.fails != nil {
		return o.fails
	}
	close(o.ready)
	return untilEnd(ctx)
}

func TestStartWaitsUntilReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGroup(t.Context())
		began := time.Now()
		if err := g.Start("opener", &opener{ready: make(chan struct{})}); err != nil || time.Since(began) != time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if err := g.Start("broken", &opener{fails: errBroken, ready: make(chan struct{})}); !errors.Is(err, errBroken) {
			t.Errorf("a task that fails: %v", err)
		}
		if err := g.Wait(); !errors.Is(err, errBroken) {
			t.Error(err)
		}
		if err := g.Start("late", &opener{ready: make(chan struct{})}); !errors.Is(err, ErrEnded) {
			t.Errorf("a task of a group that has ended: %v", err)
		}
	})
}

func TestStartSeesTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGroup(t.Context())
		time.AfterFunc(time.Second/2, func() { _ = g.Stop() })
		if err := g.Start("opener", &opener{ready: make(chan struct{})}); !errors.Is(err, ErrEnded) {
			t.Error(err)
		}
		_ = g.Wait()
	})
}
