package bench

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/nftables"

	"tandem/internal/etrunk"
)

var figure3 = figure{
	id: "F3", about: "planned switchover and give-back under 10,000 packets/s over 1,000 groups, 100,000 (S,G) known",
	goal: "0 lost; duplicates <= 20 ms worth",
	unit: "packets lost", run: switchover,
}

const (
	switchoverGroups = 1_000
	switchoverRate   = 10_000
)

func switchover(r *run) (outcome, error) {
	p, err := r.newPair()
	if err != nil {
		return outcome{}, err
	}
	defer p.close()
	if err := p.joinAll(r, takeoverEntries); err != nil {
		return outcome{}, err
	}
	groups := make([]int, switchoverGroups)
	for i := range groups {
		groups[i] = i
	}
	t, err := p.stream(groups, switchoverRate)
	if err != nil {
		return outcome{}, err
	}
	time.Sleep(500 * time.Millisecond)
	from := int(t.sent.Load())
	_, err = p.a.exec("switchover e-trunk 1")
	time.Sleep(time.Second)
	middle := int(t.sent.Load())
	if err == nil {
		_, err = p.a.exec("undo switchover e-trunk 1")
	}
	time.Sleep(time.Second)
	to := int(t.sent.Load())
	got, failed := t.end()
	if err != nil {
		return outcome{}, err
	}
	if failed != nil {
		return outcome{}, failed
	}
	if took := fromLeg(got, 0, middle-switchoverRate/10, middle); took > 0 {
		return outcome{}, fmt.Errorf("device a still sent %d packets 0.9 s after the switchover\n%s\n%s", took, p.a.log, p.b.log)
	}
	if fromLeg(got, 0, to-switchoverRate/10, to) == 0 {
		return outcome{}, fmt.Errorf("device a sent nothing 0.9 s after the give-back")
	}
	var o outcome
	worst, lostAll := 0.0, 0
	for _, part := range []struct {
		name     string
		from, to int
	}{{"switchover", from, middle}, {"give-back", middle, to}} {
		lost, twice := t.tally(got, part.from, part.to)
		worth := 1000 * float64(twice) / switchoverRate
		worst, lostAll = max(worst, worth), lostAll+lost
		o.Rows = append(o.Rows,
			row{Name: part.name + ", lost", Value: float64(lost), Unit: "packets", Goal: "0", Note: fmt.Sprintf("of %d", part.to-part.from)},
			row{Name: part.name + ", duplicates", Value: worth, Unit: "ms worth", Goal: "<= 20", Note: fmt.Sprintf("%d packets", twice)})
	}
	o.Value, o.Met = float64(lostAll), lostAll == 0 && worst <= 20
	return o, nil
}

// fromLeg returns how many of the packets from..to-1 were sent by one leg.
func fromLeg(got []arrived, leg byte, from, to int) (n int) {
	for _, a := range got {
		if a.leg == leg && a.number >= from && a.number < to {
			n++
		}
	}
	return n
}

var figure1 = figure{
	id: "F1", about: "gap at the receiver when the sending device dies without a word, BFD 10 ms x 3, 100,000 (S,G) known",
	goal: "median <= 28 ms, max <= 40 ms over 30 runs",
	unit: "ms", run: takeover,
}

const (
	takeoverEntries = 100_000
	takeoverRuns    = 15 // runs with one stream, and the same number with a thousand
	takeoverRate    = 5_000
)

func takeover(r *run) (outcome, error) {
	p, err := r.newPair()
	if err != nil {
		return outcome{}, err
	}
	defer p.close()
	if err := p.joinAll(r, takeoverEntries); err != nil {
		return outcome{}, err
	}
	var all times
	var o outcome
	for _, streams := range []int{1, 1000} {
		var gaps times
		for range takeoverRuns {
			gap, err := p.takeover(r, streams)
			if err != nil {
				return outcome{}, err
			}
			gaps = append(gaps, gap)
		}
		all = append(all, gaps...)
		name := "1 stream"
		if streams > 1 {
			name = number(float64(streams)) + " streams"
		}
		o.Rows = append(o.Rows,
			row{Name: name + ", median", Value: ms(gaps.median()), Unit: "ms", Goal: "<= 28", Note: fmt.Sprintf("%d runs, %.1f to %.1f ms", len(gaps), ms(gaps.quantile(0)), ms(gaps.max()))},
			row{Name: name + ", max", Value: ms(gaps.max()), Unit: "ms", Goal: "<= 40"})
	}
	o.Value = ms(all.median())
	o.Met = all.median() <= 28*time.Millisecond && all.max() <= 40*time.Millisecond
	return o, nil
}

// takeover makes device a silent while it sends the streams of its bucket. It returns the
// longest time between two packets of a stream.
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
	got, failed := t.end()
	if err != nil {
		return 0, err
	}
	if err := heal(); err != nil {
		return 0, err
	}
	if failed != nil {
		return 0, failed
	}
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
// links stay up. A device that has lost its power behind switches looks like this.
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
