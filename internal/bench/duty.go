package bench

import (
	"fmt"
	"time"

	"tandem/internal/etrunk"
	"tandem/internal/linux/gate"
)

var figure2 = figure{
	id: "F2", about: "duty change, from the decision to the kernel's acknowledgement",
	goal: "p99 <= 100 us, the same at 1,000, 10,000 and 100,000 (S,G)",
	unit: "us", run: dutyChange,
}

const dutyChanges = 2_000

// dutyChange changes the gate as a device does when its peer is lost and found again. The
// forwarding cache holds more entries at each step.
func dutyChange(*run) (outcome, error) {
	var o outcome
	var first, worst float64
	for _, entries := range []int{1_000, 10_000, 100_000} {
		took, err := dutyChangesWith(entries)
		if err != nil {
			return o, err
		}
		p99 := us(took.quantile(0.99))
		worst = max(worst, p99)
		if first == 0 {
			first = us(took.median())
		}
		o.Rows = append(o.Rows, row{
			Name: number(float64(entries)) + " (S,G), p99", Value: p99, Unit: "us", Goal: "<= 100",
			Note: fmt.Sprintf("%d changes, median %.1f, max %.0f us", len(took), us(took.median()), us(took.max())),
		})
	}
	o.Value, o.Met = worst, worst <= 100
	return o, nil
}

func dutyChangesWith(entries int) (times, error) {
	n, table, err := bareTable()
	if err != nil {
		return nil, err
	}
	defer n.close()
	defer table.Close()
	if err := fill(n, table, entries); err != nil {
		return nil, err
	}
	g, err := gate.Open(gate.Options{Inside: n.spaces[deviceA].Do})
	if err != nil {
		return nil, err
	}
	defer g.Close(true)
	shared := gate.State{Bucket0: []string{legLink}, Seed: etrunk.HashSeed}
	sole := gate.State{Seed: etrunk.HashSeed}
	if err := g.Apply(shared); err != nil {
		return nil, err
	}
	// This runs in a goroutine, as a daemon's loop does. The goroutine of the caller is
	// locked to the main thread, and every answer of the kernel would have to wake this
	// thread.
	type result struct {
		took times
		err  error
	}
	done := make(chan result)
	go func() {
		var r result
		for i := 0; i < dutyChanges && r.err == nil; i++ {
			next := sole
			if i%2 == 1 {
				next = shared
			}
			start := time.Now()
			r.err = g.Apply(next)
			r.took = append(r.took, time.Since(start))
		}
		done <- r
	}()
	r := <-done
	return r.took, r.err
}
