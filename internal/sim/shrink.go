package sim

import (
	"fmt"
	"slices"
	"strings"
)

// Shrink looks for a smaller run that still violates an invariant: without losses, with hosts
// that do not join or leave, with fewer steps. It returns the options of the smallest failing
// run and its error. If the given options do not fail, it returns those and nil.
func Shrink(opts Options) (Options, error) {
	fails := func(o Options) error { return New(o).Run() }
	err := fails(opts)
	if err == nil {
		return opts, nil
	}
	try := func(o Options) {
		if e := fails(o); e != nil {
			opts, err = o, e
		}
	}
	if opts.Keep == nil {
		for i := range newPlan(opts.Seed, opts.faults()) {
			opts.Keep = append(opts.Keep, i)
		}
	}
	simpler := opts
	simpler.Loss = 0
	try(simpler)
	simpler = opts
	simpler.NoMinds = true
	try(simpler)
	// First it removes half of the steps at a time, then fewer, from the end, because earlier
	// steps determine the state that a step meets.
	for size := (len(opts.Keep) + 1) / 2; size > 0; size /= 2 {
		for end := len(opts.Keep); end > 0; end -= size {
			less := opts
			less.Keep = slices.Delete(slices.Clone(opts.Keep), max(end-size, 0), end)
			try(less)
			end = min(end, len(opts.Keep)+size)
		}
	}
	return opts, err
}

// Command returns the command that repeats a run exactly.
func (o Options) Command() string {
	cmd := fmt.Sprintf("go test ./internal/sim -run TestSchedules -first %d -seeds 1", o.Seed)
	if o.Keep != nil {
		list := []string{"none"}
		for i, k := range o.Keep {
			list = append(list[:i], fmt.Sprint(k))
		}
		cmd += " -keep " + strings.Join(list, ",")
	}
	if o.Loss == 0 {
		cmd += " -loss=false"
	}
	if o.Heartbeat {
		cmd += " -heartbeat"
	}
	if o.Unable {
		cmd += " -unable"
	}
	if o.Arriving {
		cmd += " -arriving"
	}
	if o.Hostile {
		cmd += " -hostile"
	}
	if o.NoMinds {
		cmd += " -minds=false"
	}
	return cmd + " -v"
}
