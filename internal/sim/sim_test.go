package sim

import (
	"bytes"
	"flag"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

var (
	seeds  = flag.Uint64("seeds", 50, "how many fault schedules to run")
	first  = flag.Uint64("first", 1, "the first seed")
	keep   = flag.String("keep", "", "the numbers of the steps to play, separated by commas; \"none\" for none, empty for all")
	losses = flag.Bool("loss", true, "lose some hellos and reports")
	// Shrinking a failure takes as long as dozens of schedules.
	failures = flag.Uint64("failures", 5, "how many failing schedules end the run")
	shrink   = flag.Bool("shrink", true, "look for less that still fails")
	beats    = flag.Bool("heartbeat", false, "give the devices a heartbeat path")
	unable   = flag.Bool("unable", false, "let the kernel keep interfaces from their work")
	arriving = flag.Bool("arriving", false, "have the devices watch streams, and let some not arrive")
	hostile  = flag.Bool("hostile", false, "have somebody behind the switch say that he is the querier")
	minds    = flag.Bool("minds", true, "let hosts change their minds")
)

func options(t *testing.T, seed uint64) Options {
	opts := Options{Seed: seed, Hosts: 8, NoMinds: !*minds, Automatic: seed%4 == 0, Heartbeat: *beats, Unable: *unable, Arriving: *arriving, Hostile: *hostile}
	if *losses {
		opts.Loss = [...]float64{0, 0.02, 0.05}[seed%3]
	}
	if *keep != "" {
		opts.Keep = []int{}
		for number := range strings.SplitSeq(*keep, ",") {
			if number == "none" {
				break
			}
			i, err := strconv.Atoi(number)
			if err != nil {
				t.Fatalf("-keep %s: %v", *keep, err)
			}
			opts.Keep = append(opts.Keep, i)
		}
	}
	return opts
}

// TestSchedules plays fault schedules on all processors. For a schedule that violates an
// invariant it prints the commands that repeat it, whole and shrunk.
func TestSchedules(t *testing.T) {
	if *seeds == 1 {
		replayLoudly(t)
		return
	}
	var sums traces
	playAll(t, *first, *seeds, func(seed uint64) Options { return options(t, seed) }, &sums)
	sums.write(t)
}

// playAll plays schedules on all processors, until some have failed.
func playAll(t *testing.T, first, seeds uint64, options func(seed uint64) Options, sums *traces) {
	var next, failed, played atomic.Uint64
	next.Store(first)
	step := max(seeds/20, 1000)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for failed.Load() < *failures {
				seed := next.Add(1) - 1
				if seed >= first+seeds {
					return
				}
				if err := sums.played(options(seed)); err != nil {
					failed.Add(1)
					t.Error(report(options(seed), err))
				}
				if n := played.Add(1); n%step == 0 {
					t.Logf("%d of %d played, %d failed", n, seeds, failed.Load())
				}
			}
		})
	}
	workers.Wait()
	if n := failed.Load(); n >= *failures {
		t.Errorf("stopped after %d failures, before seed %d", n, next.Load())
	}
}

func report(opts Options, err error) string {
	if !*shrink {
		return fmt.Sprintf("seed %d: %v\n\t%s", opts.Seed, err, opts.Command())
	}
	small, smallErr := Shrink(opts)
	return fmt.Sprintf("seed %d: %v\n\t%s\n    shrunk: %v\n\t%s\n%s",
		opts.Seed, err, opts.Command(), smallErr, small.Command(), New(small).Schedule())
}

func replayLoudly(t *testing.T) {
	var log bytes.Buffer
	opts := options(t, *first)
	opts.Log = &log
	w := New(opts)
	err := w.Run()
	t.Logf("%s\n%s", w.Schedule(), log.Bytes())
	if err != nil {
		t.Errorf("seed %d, at %.6f s: %v", opts.Seed, w.now.SinceOrigin().Seconds(), err)
	}
	t.Logf("%d gaps, the longest of %v", w.watch.Gaps, w.watch.Longest)
}

// TestReplayIsExact runs schedules twice and compares everything that happened.
func TestReplayIsExact(t *testing.T) {
	for seed := range uint64(8) {
		a, errA := traceSum(options(t, seed))
		b, errB := traceSum(options(t, seed))
		if a != b || errA != nil || errB != nil {
			t.Errorf("two runs of seed %d differ, or failed: %x, %x, %v, %v", seed, a, b, errA, errB)
		}
	}
}
