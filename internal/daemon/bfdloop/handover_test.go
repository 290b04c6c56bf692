package bfdloop_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"tandem/internal/bfd"
	"tandem/internal/daemon/bfdloop"
	"tandem/internal/linux/testnet"
)

// succeed replaces the loop by another one, after a pause.
func (e *end) succeed(pause time.Duration, cfgs ...bfd.Config) {
	e.t.Helper()
	inherited, err := e.loop.HandOver(5 * time.Second)
	testnet.Must(e.t, err)
	time.Sleep(pause)
	e.loop, err = bfdloop.Start(bfdloop.Options{Origin: e.origin, OnThread: e.Enter, Helper: e.helper,
		StallLimit: e.stallLimit, Inherited: inherited})
	testnet.Must(e.t, err)
	last := e.loop
	e.t.Cleanup(func() { _ = last.Close() })
	testnet.Must(e.t, e.loop.Configure(cfgs))
	e.tellLink()
}

// TestHandOverKeepsTheSessions: the helper serves one process after another, and longer than it
// would without a sign of life. The peer notices nothing.
func TestHandOverKeepsTheSessions(t *testing.T) {
	a, b := newPair(t, bfdloop.SelfHelper())
	a.stallLimit = stallLimit
	session := slow(single("to-b", addressA, addressB, 1, 2))
	a.start(session)
	b.start(slow(single("to-a", addressB, addressA, 2, 1)))
	stop := beat(a.loop)
	a.await(bfd.Up)
	b.await(bfd.Up)
	pid := a.loop.Status().HelperPID
	for range 2 {
		stop()
		a.succeed(2*stallLimit, session)
		stop = beat(a.loop)
		if up := a.await(bfd.Up); up.Session != "to-b" {
			t.Errorf("told of %q", up.Session)
		}
		if s := a.loop.Status(); s.HelperPID != pid || s.Stalls != 0 {
			t.Errorf("after a hand-over: %+v, the helper was %d", s, pid)
		}
	}
	defer stop()
	if s := b.loop.Snapshot()[0]; s.State != bfd.Up || s.UpCount != 1 {
		t.Errorf("the peer's session is %v for the %dth time", s.State, s.UpCount)
	}
	testnet.Must(t, a.loop.Close())
	b.await(bfd.Down)
}

// TestNobodyTakesOver: a helper takes its sessions down if no successor comes. A helper whose
// socket was closed ends.
func TestNobodyTakesOver(t *testing.T) {
	a, b := newPair(t, bfdloop.SelfHelper())
	a.stallLimit = stallLimit
	a.start(slow(single("to-b", addressA, addressB, 1, 2)))
	b.start(slow(single("to-a", addressB, addressA, 2, 1)))
	stop := beat(a.loop)
	a.await(bfd.Up)
	b.await(bfd.Up)
	stop()
	inherited, err := a.loop.HandOver(0)
	testnet.Must(t, err)
	b.await(bfd.Down)
	if err := a.loop.Configure(nil); !errors.Is(err, bfdloop.ErrClosed) {
		t.Errorf("a loop that has handed over: %v", err)
	}
	testnet.Must(t, inherited.Close())
}

func TestHandOverWithoutHelper(t *testing.T) {
	l, err := bfdloop.Start(bfdloop.Options{})
	testnet.Must(t, err)
	defer l.Close()
	if _, err := l.HandOver(0); !errors.Is(err, bfdloop.ErrNoHelper) {
		t.Errorf("%v, want ErrNoHelper", err)
	}
}

// TestInheritedHelperThatIsGone: a helper that has ended before it was taken over is replaced
// by a new one.
func TestInheritedHelperThatIsGone(t *testing.T) {
	read, write, err := os.Pipe()
	testnet.Must(t, err)
	write.Close()
	l, err := bfdloop.Start(bfdloop.Options{Helper: bfdloop.SelfHelper(), Inherited: read})
	testnet.Must(t, err)
	defer l.Close()
	if s := l.Status(); s.HelperStarts != 1 {
		t.Errorf("started %d times", s.HelperStarts)
	}
}
