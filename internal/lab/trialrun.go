package lab

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// run plays a trial and measures it from just before the fault until the pair is complete
// again.
func (d *demo) run(ctx context.Context, t trial) (result, error) {
	d.say("--- fault %d, %s", t.fault, t.title())
	if t.limit == limitDeath {
		if err := d.fullSpeed(ctx); err != nil {
			return result{}, err
		}
	}
	before, err := d.before(ctx, t.says)
	if err != nil {
		return result{}, err
	}
	if t.end != nil {
		defer t.end()
	}
	w := window{from: d.src.position()}
	if err := t.inject(ctx); err != nil {
		return result{}, err
	}
	shown, problem := d.holdAndHeal(ctx, t, before)
	if err := ctx.Err(); err != nil {
		return result{}, err
	}
	if err := sleep(ctx, quiet); err != nil {
		return result{}, err
	}
	w.to = d.src.position()
	if err := sleep(ctx, flight); err != nil {
		return result{}, err
	}
	total, still := d.report(w), d.src.standstill(w)
	r := result{
		Fault: t.fault, Device: t.device, Streams: len(streams), GapMS: tenths(total.gap), Lost: total.lost,
		Duplicated: total.duplicated, LateMS: tenths(still), LimitMS: tenths(t.widened(still)), Shown: shown, name: t.name,
	}
	if t.doubles > 0 {
		most := int(t.doubles/packetInterval) * len(memberships())
		if r.DuplicatedLimit = &most; problem == nil && total.duplicated > most {
			problem = fmt.Errorf("both devices sent for longer than %v", t.doubles)
		}
	}
	t.judge(&r, total.gap, still, problem)
	if paused := d.src.standstill(lately(w)); t.paced && total.gap > t.limit && total.gap <= t.limit+2*paused {
		r.OK, r.Inconclusive = false, true
		r.note = fmt.Sprintf("proves nothing: the source had stood still for %.1f ms before, and streams may pause again for twice as long", ms(paused))
	}
	if r.note != "" {
		d.say("%s: %s", r.verdict(), r.note)
	}
	return r, nil
}

// lately extends a window by the minute before it, in which the devices learn the pauses
// of streams.
func lately(w window) window {
	const remembered = uint64(time.Minute)
	return window{w.from - min(w.from, remembered/uint64(packetInterval)), w.to}
}

// judge decides what a result proves. A problem is a failure. A gap is not a failure if
// the machine may have caused it: the source, and so the devices, got no processor for
// longer than the limit, or for as long as the gap exceeds the limit. Then the result is
// inconclusive.
func (t trial) judge(r *result, gap, still time.Duration, problem error) {
	limit := t.widened(still)
	r.OK = problem == nil && gap <= limit
	switch {
	case problem != nil:
		r.note = problem.Error()
	case still > max(t.limit, shortStandstill), gap > limit && gap <= limit+still:
		r.OK, r.Inconclusive = false, true
		r.note = fmt.Sprintf("proves nothing: the source itself stood still for %.1f ms", ms(still))
	}
}

// widened returns the limit for a machine whose threads were late during the trial, by as
// much as the source was. On an emulated machine a device could not react during that
// time either.
func (t trial) widened(late time.Duration) time.Duration {
	if !pace.emulated() || t.limit == limitNoLoss {
		return t.limit
	}
	return t.limit + late
}

// attempts bounds how often a trial is run. A trial is repeated only if it decided nothing,
// because the source of the streams got no processor for too long.
const attempts = 3

// The time after which no trial of the demonstration is repeated any more: by default,
// and if all faults are played.
const (
	noMoreAttempts    = 60 * time.Second
	noMoreAttemptsAll = 180 * time.Second
)

// play plays trials that belong together. It repeats them if the machine gave the source
// too little time. A bad result for another reason stays.
func (d *demo) play(ctx context.Context, o demoOptions, unit []trial) (results []result, err error) {
	for attempt := 1; ; attempt++ {
		results = nil
		again := false
		for _, t := range unit {
			r, err := d.run(ctx, t)
			if err != nil {
				return nil, err
			}
			results = append(results, r)
			again = again || r.Inconclusive
		}
		if !again || attempt == attempts || time.Since(d.log.began) > o.noMoreAttempts() {
			return results, nil
		}
		d.say("inconclusive, tried again")
	}
}

func (t trial) title() string {
	if t.device == both {
		return t.name
	}
	return "device " + t.device + ": " + t.name
}

// holdAndHeal waits for the hold time of the fault and then repairs it. It returns what
// the devices displayed about the fault, and an error if an expected reaction is missing.
func (d *demo) holdAndHeal(ctx context.Context, t trial, before map[saying]int) (shown []string, problem error) {
	began := time.Now()
	if t.during != nil {
		problem = t.during(ctx)
		began = time.Now()
	}
	shown, unsaid := d.hears(ctx, t.says, before)
	problem = errors.Join(problem, unsaid)
	if err := sleep(ctx, t.hold-time.Since(began)); err != nil {
		return shown, err
	}
	if t.heal == nil {
		return shown, problem
	}
	if err := t.heal(ctx); err != nil {
		return shown, err
	}
	healed := time.Now()
	if err := d.whole(ctx); err != nil {
		return shown, errors.Join(problem, err)
	}
	d.say("whole again %.1f s after healing: %s", time.Since(healed).Seconds(), d.sharing)
	if t.after != nil {
		problem = errors.Join(problem, t.after(ctx))
	}
	return shown, problem
}

// whole waits until the pair is complete: both devices are ready, have equal databases
// and share the streams, and the switch has both legs in its aggregate.
func (d *demo) whole(ctx context.Context) error {
	return poll(ctx, healLimit, func() error {
		p, err := askPair(ctx, d.probes[deviceA], d.probes[deviceB])
		if err != nil {
			return err
		}
		if err := errors.Join(p.settled(d.groups), d.topo.aggregated()); err != nil {
			return err
		}
		a, b := p.sharers(d.groups)
		d.sharing = fmt.Sprintf("a sends %d groups, b sends %d; databases equal, %d records, digest %s",
			len(a), len(b), p.a.profile.Records, p.a.profile.Digest)
		return nil
	})
}

// report prints what the listeners of each group missed, and returns the sum.
func (d *demo) report(w window) loss {
	byGroup := make(map[netip.Addr]loss)
	d.aud.look(func(list []*listener) {
		for _, l := range list {
			counted := window{max(w.from, l.since), w.to}
			byGroup[l.stream.group] = byGroup[l.stream.group].add(l.tally.loss(counted))
		}
	})
	var total loss
	for _, g := range slices.SortedFunc(maps.Keys(byGroup), netip.Addr.Compare) {
		l := byGroup[g]
		total = total.add(l)
		if l != (loss{}) {
			d.say("  %-14s missed %4d, gap %6.1f ms, duplicated %d", g, l.lost, ms(l.gap), l.duplicated)
		}
	}
	if total == (loss{}) {
		d.say("  no packet missed, none duplicated, in %d groups", len(byGroup))
	}
	return total
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// tenths returns a duration in milliseconds with one decimal.
func tenths(d time.Duration) float64 {
	return float64(d.Round(100*time.Microsecond)) / float64(time.Millisecond)
}
