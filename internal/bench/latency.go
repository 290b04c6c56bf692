package bench

import (
	"errors"
	"fmt"
	"time"

	"tandem/internal/linux/clock"
)

var figure5 = figure{
	id: "F5", about: "join latency, from the report on the wire to the entry in the forwarding cache",
	goal: "one join on an idle device: median <= 0.1 ms; at 20,000 joins/s: p99 <= 2 ms",
	unit: "ms", run: joinLatency,
}

const (
	idleJoins  = 500
	pacedJoins = 60_000
	pacedRate  = 20_000
	// pacedOneIn says that only one in pacedOneIn entries is followed. Receiving the
	// notices of all entries would cost the machine as much as making them.
	pacedOneIn = 16
)

func joinLatency(r *run) (outcome, error) {
	bare, err := bareLatency()
	if err != nil {
		return outcome{}, fmt.Errorf("bare receiver: %w", err)
	}
	p, err := r.newPair()
	if err != nil {
		return outcome{}, err
	}
	defer p.close()
	idle, err := p.oneByOne(p.wire, reports(idleJoins, idleJoins, 100, join), entryMade)
	if err != nil {
		return outcome{}, err
	}
	before, err := p.processorTime()
	if err != nil {
		return outcome{}, err
	}
	var paced times
	err = r.profiled(p.a, "F5", func() error {
		paced, err = p.paced(idleJoins, reports(idleJoins+pacedJoins, idleJoins+pacedJoins, 100, join), pacedRate)
		return err
	})
	if err != nil {
		return outcome{}, err
	}
	after, err := p.processorTime()
	if err != nil {
		return outcome{}, err
	}
	note := func(t times) string {
		return fmt.Sprintf("%d joins; median %.3f, p99 %.3f, max %.3f ms", len(t), ms(t.median()), ms(t.quantile(0.99)), ms(t.max()))
	}
	return outcome{
		Value: ms(idle.median()),
		Met:   idle.median() <= 100*time.Microsecond && paced.quantile(0.99) <= 2*time.Millisecond,
		Rows: []row{
			{Name: "one join, idle, median", Value: ms(idle.median()), Unit: "ms", Goal: "<= 0.1",
				Limit: number(ms(bare)) + " ms (bare receiver that sets entries)", Note: note(idle)},
			{Name: "at 20,000 joins/s, p99", Value: ms(paced.quantile(0.99)), Unit: "ms", Goal: "<= 2",
				Note: fmt.Sprintf("%s; %.1f us of processor each on both", note(paced), us(after-before)/pacedJoins)},
		},
	}, nil
}

// bareLatency returns the median for a program that only reads reports and sets the entry
// of each.
func bareLatency() (median time.Duration, err error) {
	b, err := newBare(anyProcessor, true)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	took, err := b.oneByOne(b.wire, reports(idleJoins, idleJoins, 100, join), entryMade)
	return took.median(), err
}

// oneByOne sends frames one at a time, the i-th about group i. It returns how long it took
// until each entry was made or removed. Before the next frame it waits until the device is
// idle.
func (n *network) oneByOne(out *wire, f *frames, kind uint16) (took times, err error) {
	w, err := n.watch(deviceA, kind, f.len(), 1)
	if err != nil {
		return nil, err
	}
	err = urgent(anyProcessor, func() error {
		for i := range f.len() {
			time.Sleep(3 * time.Millisecond)
			start := time.Now()
			if err := out.send(f, i, i+1); err != nil {
				return err
			}
			at, err := w.wait(i)
			if err != nil {
				return err
			}
			took = append(took, at.Sub(start))
		}
		return nil
	})
	return took, errors.Join(err, w.stop())
}

// paced sends the frames from first on at a constant rate. The i-th frame joins group i.
// The kernel's notices show when the entries were made.
func (p *pair) paced(first int, f *frames, rate int) (times, error) {
	w, err := p.watch(deviceA, entryMade, f.len(), pacedOneIn)
	if err != nil {
		return nil, err
	}
	sent, err := p.pace(first, f, rate, 1)
	time.Sleep(time.Second)
	if failed := w.stop(); err == nil {
		err = failed
	}
	if err != nil {
		return nil, err
	}
	var took times
	for i := (first + pacedOneIn - 1) &^ (pacedOneIn - 1); i < f.len(); i += pacedOneIn {
		at, ok := w.when(i)
		if !ok {
			return nil, fmt.Errorf("the entry of %v has not come", groupAddr(i))
		}
		took = append(took, at.Sub(sent[i]))
	}
	return took, nil
}

// pace sends frames at a constant rate, portion by portion, and returns when each was sent.
func (p *pair) pace(first int, f *frames, rate, portion int) (sent []time.Time, err error) {
	sent = make([]time.Time, f.len())
	return sent, urgent(anyProcessor, func() error {
		start := time.Now()
		for i := first; i < f.len(); i += portion {
			due := start.Add(time.Duration(i-first) * time.Second / time.Duration(rate))
			if wait := time.Until(due); wait > 0 {
				clock.Sleep(wait)
			}
			end, now := min(i+portion, f.len()), time.Now()
			for j := i; j < end; j++ {
				sent[j] = now
			}
			if err := p.wire.send(f, i, end); err != nil {
				return err
			}
		}
		return nil
	})
}
