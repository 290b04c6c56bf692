package bench

import (
	"fmt"
	"time"
)

var figure12 = figure{
	id: "F12", about: "leave of the last tracked listener, from the report on the wire to the entry gone from the forwarding cache",
	goal: "with prompt-leave <= 1 ms; without it the RFC's 2.0 s +- 50 ms",
	unit: "ms", run: leaving,
}

const (
	promptLeaves = 200
	askedLeaves  = 20
)

func leaving(r *run) (outcome, error) {
	prompt, err := leavesOf(r, promptLeaves, true)
	if err != nil {
		return outcome{}, err
	}
	asked, err := leavesOf(r, askedLeaves, false)
	if err != nil {
		return outcome{}, err
	}
	const rfc, tolerance = 2 * time.Second, 50 * time.Millisecond
	note := func(t times) string {
		return fmt.Sprintf("%d leaves, %.3f to %.3f ms", len(t), ms(t.quantile(0)), ms(t.max()))
	}
	return outcome{
		Value: ms(prompt.median()),
		Met:   prompt.median() <= time.Millisecond && asked.quantile(0) >= rfc-tolerance && asked.max() <= rfc+tolerance,
		Rows: []row{
			{Name: "with prompt-leave, median", Value: ms(prompt.median()), Unit: "ms", Goal: "<= 1", Note: note(prompt)},
			{Name: "without, median", Value: ms(asked.median()), Unit: "ms", Goal: "2,000 +- 50", Note: note(asked)},
		},
	}, nil
}

// leavesOf joins groups and leaves them. If the device drops them at once, they leave one
// after the other, and each is measured alone. If it first queries the hosts, they leave
// all together.
func leavesOf(r *run, n int, prompt bool) (times, error) {
	var lines []string
	if prompt {
		lines = []string{"interface eth-trunk 10", "mld prompt-leave", "quit"}
	}
	p, err := r.newPair(lines...)
	if err != nil {
		return nil, err
	}
	defer p.close()
	look, err := p.mfc(deviceA)
	if err != nil {
		return nil, err
	}
	defer look.close()
	joins, leaves := reports(n, n, 100, join), reports(n, n, 100, leave)
	if err := p.wire.send(joins, 0, n); err != nil {
		return nil, err
	}
	if _, err := look.all(r, 0, n, 10*time.Second); err != nil {
		return nil, err
	}
	time.Sleep(500 * time.Millisecond) // so that the peer gets the records
	if prompt {
		return p.oneByOne(p.wire, leaves, entryRemoved)
	}
	return leaveTogether(p.wire, leaves, look)
}

func leaveTogether(w *wire, f *frames, look *mfc) (took times, err error) {
	start := time.Now()
	if err := w.send(f, 0, f.len()); err != nil {
		return nil, err
	}
	for left := f.len(); left > 0; time.Sleep(time.Millisecond) {
		if time.Since(start) > 20*time.Second {
			return nil, fmt.Errorf("%d entries are still there after 20 s", left)
		}
		now := 0
		for i := range f.len() {
			if look.has(i) {
				now++
			}
		}
		for ; left > now; left-- {
			took = append(took, time.Since(start))
		}
	}
	return took, nil
}
