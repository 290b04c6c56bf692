package bench

import (
	"fmt"
	"time"

	"tandem/internal/linux/links"
	"tandem/internal/linux/mroute"
)

var figure6 = figure{
	id: "F6", about: "100,000 distinct (S,G) joins in one unpaced burst",
	goal: "none lost; all in the forwarding cache of the device that heard them <= 0.35 s, of both <= 0.6 s",
	unit: "s", run: burst,
}

const burstJoins = 100_000

func burst(r *run) (outcome, error) {
	bare, err := bareAdds()
	if err != nil {
		return outcome{}, fmt.Errorf("bare forwarding cache: %w", err)
	}
	p, err := r.newPair()
	if err != nil {
		return outcome{}, err
	}
	defer p.close()
	f := reports(burstJoins, burstJoins, 100, join)
	var sent, onA, onB time.Duration
	err = r.profiled(p.b, "F6", func() error {
		return r.profiled(p.a, "F6", func() (err error) {
			sent, onA, onB, err = p.burst(r, f)
			return err
		})
	})
	q, broken := p.queue.read()
	if broken != nil {
		return outcome{}, broken
	}
	if q.drops > 0 {
		return outcome{Value: onA.Seconds(), Rows: []row{{Name: "reports lost", Value: float64(q.drops), Goal: "0"}}}, nil
	}
	if err != nil {
		return outcome{}, err
	}
	limit := fmt.Sprintf("%s s (entries set by a loop)", number(bare.Seconds()))
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

// bareAdds is how long the kernel takes for as many entries, set by a loop.
func bareAdds() (time.Duration, error) {
	n, table, err := bareTable()
	if err != nil {
		return 0, err
	}
	defer n.close()
	defer table.Close()
	return fill(n, table, burstJoins)
}

// bareTable is the forwarding table of a device without a daemon.
func bareTable() (*network, *mroute.Table, error) {
	n, err := newNetwork()
	if err != nil {
		return nil, nil, err
	}
	var table *mroute.Table
	err = n.spaces[deviceA].Do(func() (err error) {
		table, err = mroute.Open(0)
		return err
	})
	if err != nil {
		n.close()
		return nil, nil, err
	}
	return n, table, nil
}

// fill sets entries from the upstream interface to the leg.
func fill(n *network, table *mroute.Table, entries int) (time.Duration, error) {
	route := mroute.Route{Source: sourceAddr, Outgoing: make([]int, 1)}
	err := n.inside(deviceA, func(h *links.Handle) error {
		for name, index := range map[string]*int{upstreamLink: &route.Upstream, legLink: &route.Outgoing[0]} {
			l, err := h.Link(name)
			if err != nil {
				return err
			}
			*index = l.Index
			if err := table.AddInterface(l.Index); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	start := time.Now()
	for i := range entries {
		route.Group = groupAddr(i)
		if err := table.Set(route); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}
