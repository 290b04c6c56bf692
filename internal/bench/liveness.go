package bench

import (
	"fmt"
	"sync"
	"time"
)

var figure10 = figure{
	id: "F10", about: "BFD at 10 ms x 3 while reports overload the device and storms of 100,000 joins come, all on the same processors",
	goal: "0 false Down in 10 minutes",
	unit: "false Downs", run: liveness,
}

// livenessTime is how long the load lasts unless -duration says otherwise.
const livenessTime = 10 * time.Minute

// overloadTime is how long, between a storm of joins and a storm of leaves, reports are
// sent that change nothing.
const overloadTime = 5 * time.Second

// bfdFacts is the part of the BFD displays about a device's only session.
type bfdFacts struct {
	lost     uint64 // how often the session went down since the start
	up       bool
	interval time.Duration // the configured transmit interval
	slowedTo time.Duration // 0 while the configured interval is in force
	detect   time.Duration
	late     uint64 // turns of the event loop that were half an interval late or more
	maxLate  time.Duration
}

func (d *device) bfdFacts() (f bfdFacts, err error) {
	var sessions struct {
		List []struct {
			State    string  `json:"state"`
			Lost     uint64  `json:"times-lost"`
			Interval float64 `json:"min-tx-interval-ms"`
			SlowedTo float64 `json:"slowed-to-ms"`
			Detect   float64 `json:"detect-interval-ms"`
		} `json:"sessions"`
	}
	var statistics struct {
		MaxLate int64  `json:"latest-ever-us"`
		Late    uint64 `json:"late-by-5-ms-or-more"`
	}
	if err = d.display("bfd session all verbose", &sessions); err == nil {
		err = d.display("bfd statistics", &statistics)
	}
	if err == nil && len(sessions.List) != 1 {
		err = fmt.Errorf("device %s has %d BFD sessions", d.name, len(sessions.List))
	}
	if err != nil {
		return f, err
	}
	s := sessions.List[0]
	millis := func(v float64) time.Duration { return time.Duration(v * float64(time.Millisecond)) }
	return bfdFacts{
		lost: s.Lost, up: s.State == "Up", interval: millis(s.Interval), slowedTo: millis(s.SlowedTo), detect: millis(s.Detect),
		late: statistics.Late, maxLate: time.Duration(statistics.MaxLate) * time.Microsecond,
	}, nil
}

func liveness(r *run) (outcome, error) {
	p, err := r.newPair()
	if err != nil {
		return outcome{}, err
	}
	defer p.close()
	before, err := p.bothBFD()
	if err != nil {
		return outcome{}, err
	}
	start := time.Now()
	sent, storms, err := p.overload(r, start.Add(r.duration))
	took := time.Since(start)
	if err != nil {
		return outcome{}, err
	}
	taken, err := p.a.reportsTaken()
	if err != nil {
		return outcome{}, err
	}
	after, err := p.bothBFD()
	if err != nil {
		return outcome{}, err
	}
	var lost, late uint64
	var maxLate, slowedTo time.Duration
	up := true
	for i := range after {
		lost += after[i].lost - before[i].lost
		late += after[i].late - before[i].late
		maxLate, up = max(maxLate, after[i].maxLate), up && after[i].up
		slowedTo = max(slowedTo, after[i].slowedTo)
	}
	return outcome{
		Value: float64(lost), Met: lost == 0 && up && took >= livenessTime,
		Rows: []row{
			{Name: "false Downs of both devices", Value: float64(lost), Goal: "0", Note: fmt.Sprintf("in %.1f minutes; up at the end: %v, slowed down to %.0f ms", took.Minutes(), up, ms(slowedTo))},
			{Name: "reports sent", Value: float64(sent) / took.Seconds(), Unit: "reports/s", Note: fmt.Sprintf("unpaced; the device took in %s/s", number(float64(taken)/took.Seconds()))},
			{Name: "storms of 100,000 joins, then leaves", Value: float64(storms)},
			{Name: "latest turn of BFD", Value: ms(maxLate), Unit: "ms", Note: fmt.Sprintf("%d of 5 ms or more", late)},
		},
	}, nil
}

func (p *pair) bothBFD() (facts [2]bfdFacts, err error) {
	for i, d := range []*device{p.a, p.b} {
		if facts[i], err = d.bfdFacts(); err != nil {
			return facts, err
		}
	}
	return facts, nil
}

// overload sends reports to device a as fast as the generator can: a storm of joins,
// reports that change nothing, a storm of leaves, and again. Some of these reports are
// lost, which is expected.
func (p *pair) overload(r *run, until time.Time) (sent, storms int, err error) {
	joins, refreshes, leaves := reports(burstJoins, burstJoins, 100, join), reports(burstJoins, burstJoins, 100, refresh), reports(burstJoins, burstJoins, 100, leave)
	send := func(f *frames) {
		if err == nil {
			err = p.wire.send(f, 0, f.len())
			sent += f.len()
		}
	}
	var talk sync.WaitGroup
	over := make(chan struct{})
	talk.Go(func() { p.ask(over) })
	for err == nil && r.ctx.Err() == nil && time.Now().Before(until) {
		send(joins)
		storms++
		for calm := time.Now().Add(overloadTime); err == nil && time.Now().Before(calm); {
			send(refreshes)
		}
		send(leaves)
	}
	close(over)
	talk.Wait()
	return sent, storms, err
}

// ask runs display commands on both devices all the time.
func (p *pair) ask(over <-chan struct{}) {
	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()
	for {
		select {
		case <-over:
			return
		case <-ticks.C:
			for _, d := range []*device{p.a, p.b} {
				_, _ = d.exec("display e-trunk 1") // a device that is too busy to answer in time is not a failure in this figure
			}
		}
	}
}
