package sim

import (
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

var tracesFile = flag.String("traces", "", "the file that gets a line for each schedule: the sum of everything that happened")

// traces keeps a checksum of the verbose trace of each schedule. A change that must not change
// behaviour leaves the file identical to the byte:
//
//	go test ./internal/sim -run TestSchedules -seeds 1000 -traces FILE
type traces struct {
	mu    sync.Mutex
	lines []string // formatted with a fixed width, so that they sort by seed
}

// played plays a schedule and stores its checksum, if checksums are asked for.
func (tr *traces) played(opts Options) error {
	if *tracesFile == "" {
		return New(opts).Run()
	}
	sum, err := traceSum(opts)
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.lines = append(tr.lines, fmt.Sprintf("%8d %016x\n", opts.Seed, sum))
	return err
}

// write writes the file, if one is asked for.
func (tr *traces) write(t *testing.T) {
	if *tracesFile == "" {
		return
	}
	slices.Sort(tr.lines)
	if err := os.WriteFile(*tracesFile, []byte(strings.Join(tr.lines, "")), 0o644); err != nil {
		t.Error(err)
	}
}

// traceSum plays a schedule and returns the checksum of its log and its outcome.
func traceSum(opts Options) (uint64, error) {
	h := fnv.New64a()
	opts.Log = h
	err := New(opts).Run()
	fmt.Fprint(h, err)
	return h.Sum64(), err
}
