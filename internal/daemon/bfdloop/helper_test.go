package bfdloop_test

import (
	"bufio"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/bfd"
	"tandem/internal/daemon/bfdloop"
	"tandem/internal/linux/testnet"
)

// collections starts a helper that reports its garbage collections, and those of the process
// image before exec, line by line.
func collections(t *testing.T, o bfdloop.Options) (*bfdloop.Loop, <-chan string) {
	t.Helper()
	t.Setenv("GODEBUG", "gctrace=1")
	read, write, err := os.Pipe()
	testnet.Must(t, err)
	stderr := os.Stderr
	os.Stderr = write
	o.Helper = bfdloop.SelfHelper()
	loop, err := bfdloop.Start(o)
	os.Stderr = stderr
	write.Close()
	testnet.Must(t, err)
	lines := make(chan string, 1000)
	go func() {
		defer close(lines)
		defer read.Close()
		for s := bufio.NewScanner(read); s.Scan(); {
			if strings.HasPrefix(s.Text(), "gc ") {
				lines <- s.Text()
			}
		}
	}()
	return loop, lines
}

// TestHelperStartsWithoutCollection: whatever the environment says, only the process that does
// not have its priority yet may collect garbage.
func TestHelperStartsWithoutCollection(t *testing.T) {
	t.Setenv("GOGC", "1")
	loop, lines := collections(t, bfdloop.Options{})
	testnet.Must(t, loop.Close())
	processes := 0
	for line := range lines {
		if strings.HasPrefix(line, "gc 1 ") {
			processes++
		}
	}
	if processes > 1 {
		t.Errorf("%d processes collected garbage", processes)
	}
}

// TestHelperCollectsOnOneProcessor: a helper that has only one processor finishes a garbage
// collection, and answers afterwards.
func TestHelperCollectsOnOneProcessor(t *testing.T) {
	loop, lines := collections(t, bfdloop.Options{OnThread: func() error {
		var set, one unix.CPUSet
		if err := unix.SchedGetaffinity(0, &set); err != nil {
			return err
		}
		for cpu := 0; one.Count() == 0; cpu++ {
			if set.IsSet(cpu) {
				one.Set(cpu)
			}
		}
		return unix.SchedSetaffinity(0, &one) // only this thread and its helper
	}})
	refused := make([]bfd.Config, 2000) // garbage by the megabyte
	collected := make(chan struct{})
	go func() {
		defer close(collected)
		for range 1000 {
			if loop.Configure(refused) == nil {
				t.Error("sessions without names are accepted")
			}
			select {
			case <-lines:
				loop.Status()
				return
			default:
			}
		}
		t.Error("it has collected nothing")
	}()
	select {
	case <-collected:
	case <-time.After(time.Minute):
		t.Error("no answer")
	}
	testnet.Must(t, loop.Close())
}
