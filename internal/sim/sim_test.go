package sim

import (
	"bytes"
	"flag"
	"hash/fnv"
	"testing"
	"time"
)

var (
	seeds = flag.Uint64("seeds", 50, "how many fault schedules to run")
	first = flag.Uint64("first", 1, "the first seed")
)

func options(seed uint64) Options {
	return Options{Seed: seed, Hosts: 8, Duration: 2 * time.Minute, Loss: 0.02}
}

// TestSchedules plays fault schedules. A failing seed is replayed with
//
//	go test ./internal/sim -run TestSchedules -first N -seeds 1 -v
func TestSchedules(t *testing.T) {
	for seed := *first; seed < *first+*seeds; seed++ {
		var log bytes.Buffer
		opts := options(seed)
		if *seeds == 1 {
			opts.Log = &log
		}
		w := New(opts)
		err := w.Run()
		if *seeds == 1 {
			t.Logf("%s", log.Bytes())
		}
		if err != nil {
			t.Errorf("seed %d, at %.6f s: %v\n\tgo test ./internal/sim -run TestSchedules -first %d -seeds 1 -v",
				seed, w.now.Seconds(), err, seed)
		}
		if testing.Verbose() && *seeds > 1 {
			t.Logf("seed %d: %d gaps, longest %v", seed, w.watch.Gaps, w.watch.Longest)
		}
	}
}

// TestReplayIsExact runs one schedule twice and compares everything that happened.
func TestReplayIsExact(t *testing.T) {
	run := func() uint64 {
		h := fnv.New64a()
		opts := options(7)
		opts.Log = h
		if err := New(opts).Run(); err != nil {
			t.Error(err)
		}
		return h.Sum64()
	}
	if a, b := run(), run(); a != b {
		t.Errorf("two runs of one seed differ: %x, %x", a, b)
	}
}
