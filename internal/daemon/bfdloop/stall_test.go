package bfdloop_test

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"tandem/internal/bfd"
	"tandem/internal/daemon/bfdloop"
	"tandem/internal/linux/testnet"
)

// stallLimit is longer than a busy machine delays a thread of normal priority.
const stallLimit = 1500 * time.Millisecond

// beat calls Beat regularly until stop is called.
func beat(l *bfdloop.Loop) (stop func()) {
	done := make(chan struct{})
	var ended sync.WaitGroup
	ended.Go(func() {
		for ticks := time.NewTicker(stallLimit / 20); ; {
			select {
			case <-ticks.C:
				l.Beat()
			case <-done:
				ticks.Stop()
				return
			}
		}
	})
	return func() { close(done); ended.Wait() }
}

func TestStuckEventLoopTakesTheSessionsDown(t *testing.T) {
	bothWays(t, stuckEventLoopTakesTheSessionsDown)
}

func stuckEventLoopTakesTheSessionsDown(t *testing.T, helper []string) {
	a, b := newPair(t, helper)
	a.stallLimit = stallLimit
	a.start(slow(single("to-b", addressA, addressB, 1, 2)))
	b.start(slow(single("to-a", addressB, addressA, 2, 1)))
	stop := beat(a.loop)
	a.await(bfd.Up)
	b.await(bfd.Up)
	stop()
	if down := a.await(bfd.Down); down.Diagnostic != bfd.DiagForwardingPlaneReset {
		t.Errorf("diagnostic %q", down.Diagnostic)
	}
	if down := b.await(bfd.Down); down.Remote != bfd.Down || down.Diagnostic != bfd.DiagNeighborSignaledDown {
		t.Errorf("the peer of a stuck device saw %+v", down)
	}
	if s := a.loop.Status(); !s.Stalled || s.Stalls != 1 {
		t.Errorf("stalled %v, %d times", s.Stalled, s.Stalls)
	}
	if s := a.loop.Snapshot()[0]; s.NotUpReason != "this device has stopped working" {
		t.Errorf("reason %q", s.NotUpReason)
	}
	defer beat(a.loop)()
	a.await(bfd.Up)
	b.await(bfd.Up)
	if s := a.loop.Status(); s.Stalled {
		t.Error("still stalled after a beat")
	}
}

// TestStoppedProcessTakesTheSessionsDown: when a whole process is stopped, its helper takes the
// sessions down.
func TestStoppedProcessTakesTheSessionsDown(t *testing.T) {
	a, b := newPair(t, nil)
	l, err := a.Links.Link("bfd0")
	testnet.Must(t, err)
	device := exec.Command("/proc/self/exe", deviceArg, addressA.String(), addressB.String(), strconv.Itoa(l.Index))
	device.Stderr = os.Stderr
	alive, err := device.StdinPipe()
	testnet.Must(t, err)
	testnet.Must(t, a.Node.Start(device))
	t.Cleanup(func() {
		_ = device.Process.Signal(syscall.SIGCONT)
		_ = alive.Close()
		_ = device.Wait()
	})
	b.start(slow(single("to-a", addressB, addressA, 2, 1)))
	b.await(bfd.Up)

	testnet.Must(t, device.Process.Signal(syscall.SIGSTOP))
	if down := b.await(bfd.Down); down.Remote != bfd.Down || down.Diagnostic != bfd.DiagNeighborSignaledDown {
		t.Errorf("the peer of a stopped process saw %+v", down)
	}
	testnet.Must(t, device.Process.Signal(syscall.SIGCONT))
	b.await(bfd.Up)
}

// deviceArg runs the test binary as a device with one session in a helper, which beats until
// its input ends.
const deviceArg = "bfd-device"

func deviceMain(local, peer, index string) error {
	loop, err := bfdloop.Start(bfdloop.Options{Helper: bfdloop.SelfHelper(), StallLimit: stallLimit})
	if err != nil {
		return err
	}
	defer loop.Close()
	c := slow(single("to-b", netip.MustParseAddr(local), netip.MustParseAddr(peer), 1, 2))
	if err := loop.Configure([]bfd.Config{c}); err != nil {
		return err
	}
	n, err := strconv.Atoi(index)
	if err != nil {
		return fmt.Errorf("interface: %w", err)
	}
	loop.SetLink("bfd0", n, true)
	defer beat(loop)()
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
