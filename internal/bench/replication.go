package bench

import (
	"fmt"
	"time"

	"tandem/internal/linux/links"
)

var figure8 = figure{
	id: "F8", about: "replication lag, from the entry on the device that heard a join to the entry on its peer, at 50,000 changes/s",
	goal: "p99 <= 5 ms",
	unit: "ms", run: replicationLag,
}

const (
	lagRate = 50_000
	// lagPortion is how many changes are sent at a time. A network card also collects the
	// packets of about 0.1 ms. To wake up for each packet would take most of a processor.
	lagPortion = 5
	lagChanges = 150_000
	// One in lagProbe changes is a join whose entry is followed. The others are refreshes.
	lagProbe = 50
)

// inClear makes a pair replicate without TLS, as a comparison with TLS.
var inClear = []string{"remote-backup-service rbs1", "transport plaintext", "quit"}

func replicationLag(r *run) (outcome, error) {
	lags, err := r.lags("F8")
	if err != nil {
		return outcome{}, err
	}
	clear, err := r.lags("F8-clear", inClear...)
	if err != nil {
		return outcome{}, fmt.Errorf("in clear: %w", err)
	}
	return outcome{
		Value: ms(lags.quantile(0.99)), Met: lags.quantile(0.99) <= 5*time.Millisecond,
		Rows: []row{{
			Name: "lag at 50,000 changes/s, p99", Value: ms(lags.quantile(0.99)), Unit: "ms", Goal: "<= 5",
			Note: fmt.Sprintf("%d joins followed among %s changes; median %.3f, max %.1f ms", len(lags), number(lagChanges), ms(lags.median()), ms(lags.max())),
		}, {
			Name: "median, of that in clear", Value: ratio(lags.median(), clear.median()), Unit: "x", Goal: "<= 1.15",
			Note: fmt.Sprintf("in clear: p99 %.3f, median %.3f, max %.1f ms", ms(clear.quantile(0.99)), ms(clear.median()), ms(clear.max())),
		}},
	}, nil
}

func ratio(a, b time.Duration) float64 { return a.Seconds() / b.Seconds() }

// lags measures the replication lag of a new pair, with additional lines of
// configuration.
func (r *run) lags(profile string, lines ...string) (times, error) {
	p, err := r.newPair(lines...)
	if err != nil {
		return nil, err
	}
	defer p.close()
	known := reports(intakeGroups, intakeGroups, 100, join)
	if err := r.sustain(p.wire, known, p.queue, p.a.hasTaken(known.len())); err != nil {
		return nil, err
	}
	if err := p.equal(r, known.len()); err != nil {
		return nil, err
	}
	load := &frames{}
	probes := 0
	for i := range lagChanges {
		if i%lagProbe == 0 {
			load.report(hostAddr(i%100+1), join(intakeGroups+probes))
			probes++
		} else {
			load.report(hostAddr(i%intakeGroups%100+1), refresh(i%intakeGroups))
		}
	}
	var lags times
	err = r.profiled(p.a, profile, func() error {
		lags, err = p.lag(load, intakeGroups, probes)
		return err
	})
	return lags, err
}

// lag sends the load. It returns, for each probe, how much later its entry was made on
// device b than on device a. The probes are groups first..first+n-1.
func (p *pair) lag(load *frames, first, n int) (times, error) {
	onA, err := p.watch(deviceA, entryMade, first+n, 1)
	if err != nil {
		return nil, err
	}
	onB, err := p.watch(deviceB, entryMade, first+n, 1)
	if err != nil {
		return nil, err
	}
	_, err = p.pace(0, load, lagRate, lagPortion)
	time.Sleep(time.Second)
	for _, w := range []*watch{onA, onB} {
		if failed := w.stop(); err == nil {
			err = failed
		}
	}
	if err != nil {
		return nil, err
	}
	var lags times
	for g := first; g < first+n; g++ {
		a, heard := onA.when(g)
		b, told := onB.when(g)
		if !heard || !told {
			return nil, fmt.Errorf("%v came on a %v, on b %v", groupAddr(g), heard, told)
		}
		lags = append(lags, max(b.Sub(a), 0))
	}
	return lags, nil
}

var figure9 = figure{
	id: "F9", about: "resynchronisation of 1,000,000 records",
	goal: "whole <= 0.5 s; with 1 % differing <= 5 % of the bytes of a whole one",
	unit: "s", run: resync,
}

const changedRecords = manyRecords / 100

func resync(r *run) (outcome, error) {
	bare, err := bareResync(manyRecords)
	if err != nil {
		return outcome{}, fmt.Errorf("bare synchronisation: %w", err)
	}
	f := population(manyHosts, manyGroups)
	clear, _, cleared, err := r.wholeSync(f, inClear...)
	if err != nil {
		return outcome{}, fmt.Errorf("whole, in clear: %w", err)
	}
	cleared.close()
	whole, wholeBytes, p, err := r.wholeSync(f)
	if err != nil {
		return outcome{}, fmt.Errorf("whole: %w", err)
	}
	defer p.close()
	// The cable between the devices is cut until both have closed the connection.
	if err := p.cutCore(true); err != nil {
		return outcome{}, err
	}
	time.Sleep(2 * time.Second)
	fresh := population(changedRecords/manyGroups, manyGroups)
	if err := r.sustain(p.wire, fresh, p.queue, p.a.hasTaken(f.len()+fresh.len())); err != nil {
		return outcome{}, err
	}
	part, partBytes, err := p.syncAfter(r, manyRecords, func() error { return p.cutCore(false) })
	if err != nil {
		return outcome{}, fmt.Errorf("1 %% differing: %w", err)
	}
	share := 100 * float64(partBytes) / float64(wholeBytes)
	return outcome{
		Value: whole.Seconds(), Met: whole <= 500*time.Millisecond && share <= 5,
		Rows: []row{
			{Name: "whole, to a device that has nothing", Value: whole.Seconds(), Unit: "s", Goal: "<= 0.5",
				Limit: number(bare.Seconds()) + " s (as many bytes into a Go map)",
				Note:  fmt.Sprintf("%s bytes both ways, %.0f a record", number(float64(wholeBytes)), float64(wholeBytes)/manyRecords)},
			{Name: "whole, of that in clear", Value: ratio(whole, clear), Unit: "x", Goal: "<= 1.15", Note: fmt.Sprintf("in clear: %.2f s", clear.Seconds())},
			{Name: "1 % differing, bytes of a whole one", Value: share, Unit: "%", Goal: "<= 5",
				Note: fmt.Sprintf("%s bytes both ways, %.2f s", number(float64(partBytes)), part.Seconds())},
		},
	}, nil
}

// wholeSync measures how a device gets all records, those of the reports f, in a new pair with
// additional lines of configuration. Unless it fails, the caller closes the pair.
func (r *run) wholeSync(f *frames, lines ...string) (took time.Duration, size int, p *pair, err error) {
	if p, err = r.newPair(lines...); err != nil {
		return 0, 0, nil, err
	}
	p.b.stop()
	if err = r.sustain(p.wire, f, p.queue, p.a.hasTaken(f.len())); err == nil {
		took, size, err = p.syncAfter(r, manyRecords, func() (err error) {
			p.b, err = r.startDevice(p.network, deviceB, deviceOptions{lines: lines})
			return err
		})
	}
	if err != nil {
		p.close()
	}
	return took, size, p, err
}

// cutCore sets the cable between the devices down, or up again.
func (p *pair) cutCore(cut bool) error {
	return p.inside(deviceA, func(h *links.Handle) error { return h.SetUp(coreLink, !cut) })
}

// syncAfter calls begin, which causes a new connection, and waits until both databases
// are equal. It returns how long the synchronisation took, and how many bytes device a
// sent and received in this time.
func (p *pair) syncAfter(r *run, records int, begin func() error) (took time.Duration, size int, err error) {
	before, err := p.a.service()
	if err != nil {
		return 0, 0, err
	}
	if err := begin(); err != nil {
		return 0, 0, err
	}
	var after serviceFacts
	err = r.poll(60*time.Second, func() error {
		if after, err = p.a.service(); err != nil {
			return err
		}
		if !after.InSync || after.Lag > 0 || after.Full+after.Part == before.Full+before.Part {
			return fmt.Errorf("in sync %v, %d records to go", after.InSync, after.Lag)
		}
		return nil
	})
	if err != nil {
		return 0, 0, err
	}
	if err := p.equal(r, records); err != nil {
		return 0, 0, err
	}
	size = after.BytesSent + after.BytesReceived - before.BytesSent - before.BytesReceived
	ms := after.PartTook
	if after.Full > before.Full {
		ms = after.FullTook
	}
	return time.Duration(ms * float64(time.Millisecond)), size, nil
}
