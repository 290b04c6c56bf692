package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/nftables"

	"tandem/internal/etrunk"
)

var figure1 = figure{
	id: "F1", about: "gap at the receiver when the sending device dies without a word, BFD 10 ms x 3 and 3 ms x 3, 100,000 (S,G) known",
	goal: "10 ms x 3: median <= 28 ms, max <= 40 ms; 3 ms x 3: median <= 9 ms, max <= 15 ms; over 30 runs each",
	unit: "ms", run: takeover,
}

const (
	takeoverEntries = 100_000
	takeoverRuns    = 15 // runs with one stream; there are as many with a thousand streams
	takeoverRate    = 5_000
)

// cadence is a transmit interval of BFD, and the bounds on the gap at the receiver with
// it.
type cadence struct {
	interval    time.Duration
	median, max time.Duration
}

var cadences = []cadence{
	{10 * time.Millisecond, 28 * time.Millisecond, 40 * time.Millisecond},
	{3 * time.Millisecond, 9 * time.Millisecond, 15 * time.Millisecond},
}

func takeover(r *run) (outcome, error) {
	p, err := r.newPair()
	if err != nil {
		return outcome{}, err
	}
	defer p.close()
	if err := p.joinAll(r, takeoverEntries); err != nil {
		return outcome{}, err
	}
	o := outcome{Met: true}
	for _, c := range cadences {
		gaps, err := p.takeovers(r, c, &o)
		if err != nil {
			return outcome{}, err
		}
		o.Value = ms(gaps.median())
		o.Met = o.Met && gaps.median() <= c.median && gaps.max() <= c.max
	}
	return o, nil
}

// takeovers measures all gaps with one BFD interval, and adds the rows of the results.
func (p *pair) takeovers(r *run, c cadence, o *outcome) (all times, err error) {
	for _, streams := range []int{1, 1000} {
		var gaps times
		slowed := 0
		for range takeoverRuns {
			again, err := p.atInterval(r, c.interval)
			if err != nil {
				return nil, err
			}
			gap, err := p.takeover(r, streams)
			if err != nil {
				return nil, err
			}
			slowed += again
			gaps = append(gaps, gap)
		}
		all = append(all, gaps...)
		name := fmt.Sprintf("%v x 3, 1 stream", c.interval)
		if streams > 1 {
			name = fmt.Sprintf("%v x 3, %s streams", c.interval, number(float64(streams)))
		}
		o.Rows = append(o.Rows,
			row{Name: name + ", median", Value: ms(gaps.median()), Unit: "ms", Goal: fmt.Sprintf("<= %v", ms(c.median)),
				Note: fmt.Sprintf("%d runs, %.1f to %.1f ms; BFD had slowed down before %d", len(gaps), ms(gaps.quantile(0)), ms(gaps.max()), slowed)},
			row{Name: name + ", max", Value: ms(gaps.max()), Unit: "ms", Goal: fmt.Sprintf("<= %v", ms(c.max))})
	}
	return all, nil
}

// atInterval waits until the BFD sessions of both devices are up with this interval.
// Where a session has another interval or has slowed down, atInterval configures the
// interval again. It returns how many sessions had slowed down.
func (p *pair) atInterval(r *run, interval time.Duration) (slowed int, err error) {
	err = r.poll(60*time.Second, func() error {
		var errs []error
		for _, d := range []*device{p.a, p.b} {
			f, err := d.bfdFacts()
			switch {
			case err != nil:
			case f.slowedTo > 0:
				slowed++
				// The device ignores a configuration that does not change the interval.
				err = errors.Join(d.setInterval(interval+time.Millisecond), d.setInterval(interval), errNotYet)
			case f.interval != interval:
				err = errors.Join(d.setInterval(interval), errNotYet)
			case !f.up || f.detect != detectMult*interval:
				err = fmt.Errorf("BFD of device %s is up: %v, detects in %v", d.name, f.up, f.detect)
			}
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
	return slowed, err
}

// detectMult is the detection multiplier of BFD.
const detectMult = 3

var errNotYet = errors.New("BFD does not have its interval yet")

func (d *device) setInterval(interval time.Duration) error {
	millis := interval.Milliseconds()
	return d.console.Configure(context.Background(), "bfd core",
		fmt.Sprintf("min-tx-interval %d", millis), fmt.Sprintf("min-rx-interval %d", millis))
}

// takeover makes device a silent for 300 ms while a sends the streams of its bucket. It
// returns the longest time between two packets of a stream at the receiver.
func (p *pair) takeover(r *run, streams int) (time.Duration, error) {
	if err := p.settle(r); err != nil {
		return 0, err
	}
	// The device with the lower priority, a, has bucket 0.
	var groups []int
	for g := 0; len(groups) < streams; g++ {
		if etrunk.BucketOf(sourceAddr, groupAddr(g)) == 0 {
			groups = append(groups, g)
		}
	}
	t, err := p.stream(groups, takeoverRate)
	if err != nil {
		return 0, err
	}
	time.Sleep(200 * time.Millisecond)
	heal, err := p.silence(deviceA)
	time.Sleep(300 * time.Millisecond)
	healed := int(t.sent.Load())
	if err == nil {
		// The streams go on until device a has received them again. If they ended before
		// that, device a would not become ready for minutes, because its peer remembers
		// that it sends them in the stead of a.
		err = errors.Join(heal(), p.settle(r))
	}
	got, failed := t.end()
	if err := errors.Join(err, failed); err != nil {
		return 0, err
	}
	got = slices.DeleteFunc(got, func(a arrived) bool { return a.number >= healed })
	slices.SortFunc(got, func(a, b arrived) int { return int(a.at - b.at) })
	if len(got) == 0 || got[0].leg != 0 || got[len(got)-1].leg != 1 {
		return 0, fmt.Errorf("%d packets came, but not first from a and then from b", len(got))
	}
	var gap int64
	for i := range len(got) - 1 {
		gap = max(gap, got[i+1].at-got[i].at)
	}
	return time.Duration(gap), nil
}

// silence makes a device lose every packet on every link, in both directions, while all
// links stay up, as if the device had lost its power behind switches.
func (n *network) silence(device string) (heal func() error, err error) {
	const name = "silence"
	conn, err := nftables.New(nftables.WithNetNSFd(n.spaces[device].FD()))
	if err != nil {
		return nil, err
	}
	table := conn.AddTable(&nftables.Table{Family: nftables.TableFamilyNetdev, Name: name})
	drop := nftables.ChainPolicyDrop
	for _, link := range []string{legLink, upstreamLink, coreLink} {
		for way, hook := range map[string]*nftables.ChainHook{"in": nftables.ChainHookIngress, "out": nftables.ChainHookEgress} {
			conn.AddChain(&nftables.Chain{
				Name: link + "-" + way, Table: table, Type: nftables.ChainTypeFilter, Device: link,
				Hooknum: hook, Priority: nftables.ChainPriorityFilter, Policy: &drop,
			})
		}
	}
	if err := conn.Flush(); err != nil {
		return nil, fmt.Errorf("silence device %s: %w", device, err)
	}
	return func() error {
		conn.DelTable(table)
		return conn.Flush()
	}, nil
}
