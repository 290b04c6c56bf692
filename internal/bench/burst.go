package bench

import (
	"errors"
	"fmt"
	"time"
)

var figure6 = figure{
	id: "F6", about: "100,000 distinct (S,G) joins in one unpaced burst",
	goal: "none lost; all in the forwarding cache of the device that heard them <= 0.35 s, of both <= 0.6 s",
	unit: "s", run: burst,
}

const burstJoins = 100_000

func burst(r *run) (outcome, error) {
	f := reports(burstJoins, burstJoins, 100, join)
	bare, err := bareBurst(r, f)
	if err != nil {
		return outcome{}, fmt.Errorf("bare receiver: %w", err)
	}
	p, err := r.newPair()
	if err != nil {
		return outcome{}, err
	}
	defer p.close()
	var sent, onA, onB time.Duration
	err = r.profiled(p.b, "F6", func() error {
		return r.profiled(p.a, "F6", func() (err error) {
			sent, onA, onB, err = p.burst(r, f)
			return err
		})
	})
	taken, broken := p.a.reportsTaken()
	if broken != nil {
		return outcome{}, broken
	}
	if lost := burstJoins - taken; lost > 0 {
		return outcome{Value: onA.Seconds(), Rows: []row{{Name: "reports lost", Value: float64(lost), Goal: "0"}}}, nil
	}
	if err != nil {
		return outcome{}, err
	}
	limit := number(bare.Seconds()) + " s (bare receiver that sets entries)"
	return outcome{
		Value: onB.Seconds(),
		Met:   onA <= 350*time.Millisecond && onB <= 600*time.Millisecond,
		Rows: []row{
			{Name: "reports lost", Value: 0, Goal: "0"},
			{Name: "all on the device that heard them", Value: onA.Seconds(), Unit: "s", Goal: "<= 0.35", Limit: limit,
				Note: fmt.Sprintf("from the first frame; the burst itself took %.2f s", sent.Seconds())},
			{Name: "all on both devices", Value: onB.Seconds(), Unit: "s", Goal: "<= 0.6", Limit: limit},
		},
	}, nil
}

// burst sends all frames at once and waits for the entries on both devices.
func (p *pair) burst(r *run, f *frames) (sent, onA, onB time.Duration, err error) {
	const limit = 30 * time.Second
	start := time.Now()
	type seen struct {
		at  time.Time
		err error
	}
	wait := func(part string) <-chan seen {
		c := make(chan seen, 1)
		go func() {
			look, err := p.mfc(part)
			if err != nil {
				c <- seen{err: err}
				return
			}
			defer look.close()
			var at time.Time
			err = urgent(anyProcessor, func() (err error) {
				at, err = look.all(r, 0, f.len(), limit)
				return err
			})
			c <- seen{at, err}
		}()
		return c
	}
	a, b := wait(deviceA), wait(deviceB)
	if err := urgent(0, func() error { start = time.Now(); return p.wire.send(f, 0, f.len()) }); err != nil {
		return 0, 0, 0, err
	}
	sent = time.Since(start)
	first, second := <-a, <-b
	if first.err != nil {
		return 0, 0, 0, fmt.Errorf("device a: %w", first.err)
	}
	if second.err != nil {
		return 0, 0, 0, fmt.Errorf("device b: %w", second.err)
	}
	both := second.at
	if first.at.After(both) {
		both = first.at
	}
	return sent, first.at.Sub(start), both.Sub(start), nil
}

// bareBurst measures the same for a program that only reads the reports and sets the entry
// of each.
func bareBurst(r *run, f *frames) (took time.Duration, err error) {
	b, err := newBare(anyProcessor, true)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	start := time.Now()
	if err := urgent(0, func() error { return b.wire.send(f, 0, f.len()) }); err != nil {
		return 0, err
	}
	err = r.poll(30*time.Second, b.hasTaken(f.len()))
	return time.Since(start), err
}
