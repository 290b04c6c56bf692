package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// What a fault may cost at most, by its number in the list of what must survive.
var (
	limitLink   = pace.stretch(20*time.Millisecond) + packetInterval - time.Millisecond // 3 and 4: the device itself sees it
	limitDeath  = detection() + limitLink                                               // 1 and 2: the peer has to notice
	limitNoLoss = time.Duration(0)                                                      // 5, 6, 7, 8
)

// trial is one fault as the demonstration plays it.
type trial struct {
	fault  int
	device string // "a", "b" or "both"
	name   string
	limit  time.Duration
	// doubles is for how long two devices may send, 0 where that does not matter.
	doubles time.Duration
	inject  func(context.Context) error
	// hold is how long the fault lasts; with during set, as long as that takes.
	hold   time.Duration
	during func(context.Context) error
	// heal ends the fault; then the pair has to become whole again. Without it
	// the next trial begins with the fault in force.
	heal func(context.Context) error
	// after checks what else is required once the pair is whole.
	after func(context.Context) error
}

// result is a line of the final table and of the file.
type result struct {
	Fault      int     `json:"fault"`
	Device     string  `json:"device"`
	Streams    int     `json:"streams"`
	GapMS      float64 `json:"gap_ms"`
	Lost       int     `json:"lost"`
	Duplicated int     `json:"duplicated"`
	LateMS     float64 `json:"late_ms"` // longest standstill of the source meanwhile
	LimitMS    float64 `json:"limit_ms"`
	OK         bool    `json:"ok"`

	name string
	note string // why it is not ok, when the figures do not say it
	// void results prove nothing: the source stood still for longer than the
	// limit, so that it may have hidden a gap. A shorter standstill hides only
	// what is allowed; a gap that reaches beyond it is measured in full.
	void bool
}

var (
	holdTime  = max(800*time.Millisecond, 2*limitDeath)
	healLimit = pace.stretch(15 * time.Second)
	// quiet is how long the streams are still watched after the pair is whole.
	quiet = pace.stretch(300 * time.Millisecond)
	// flight is more than a packet needs from the source through the socket to its reader.
	flight = pace.stretch(60 * time.Millisecond)
	// shortStandstill of the source never makes a trial void: ten packets.
	shortStandstill = 10 * packetInterval
)

// trials is the demonstration's list of faults, in its order. Those in one
// list belong together: the first leaves a device dead that the second revives.
func (d *demo) trials() [][]trial {
	var list [][]trial
	add := func(t trial) { list = append(list, []trial{t}) }
	for _, dev := range devices {
		list = append(list, []trial{d.death(dev), d.rebirth(dev)})
	}
	for _, dev := range devices {
		add(trial{
			fault: 2, device: dev, name: "isolated without a word", limit: limitDeath, hold: holdTime,
			inject: func(context.Context) error { return d.topo.isolate(dev) },
			heal:   func(context.Context) error { return d.topo.reconnect(dev) },
		})
	}
	for _, dev := range devices {
		add(trial{
			fault: 3, device: dev, name: "Eth-Trunk leg down", limit: limitLink, hold: holdTime,
			inject: func(context.Context) error { return d.topo.leg(dev, false) },
			heal:   func(context.Context) error { return d.topo.leg(dev, true) },
		})
	}
	for _, dev := range devices {
		add(trial{
			fault: 4, device: dev, name: "upstream down", limit: limitLink, hold: holdTime,
			inject: func(context.Context) error { return d.topo.upstream(dev, false) },
			heal:   func(context.Context) error { return d.topo.upstream(dev, true) },
		})
	}
	add(trial{
		fault: 6, device: both, name: "path between the devices cut", limit: limitNoLoss, hold: holdTime,
		inject: func(context.Context) error { return d.topo.cutCore() },
		heal:   func(context.Context) error { return d.topo.healCore() },
	})
	add(d.serviceCut())
	list = append(list, d.pathCuts())
	for _, dev := range devices {
		ask := func(command string) func(context.Context) error {
			return func(ctx context.Context) error {
				_, err := d.probes[dev].Exec(ctx, fmt.Sprintf("%s e-trunk %d", command, etrunkID))
				return err
			}
		}
		add(trial{
			fault: 8, device: dev, name: "planned switchover", limit: limitNoLoss, hold: holdTime,
			inject: ask("switchover"), heal: ask("undo switchover"),
		})
	}
	return list
}

const both = "both"

func (d *demo) death(dev string) trial {
	return trial{
		fault: 1, device: dev, name: "tandemd killed", limit: limitDeath, hold: holdTime,
		inject: func(context.Context) error { return d.keeper.kill(dev) },
		during: func(ctx context.Context) error { return d.keeper.gone(ctx, dev) },
	}
}

func (d *demo) rebirth(dev string) trial {
	var before int
	return trial{
		fault: 7, device: dev, name: "tandemd returns empty", limit: limitNoLoss,
		inject: func(ctx context.Context) error {
			s, err := ask(ctx, d.probes[other(dev)])
			before = s.profile.Records
			if err != nil {
				return err
			}
			return d.keeper.start(dev)
		},
		heal: func(context.Context) error { return nil },
		after: func(ctx context.Context) error {
			s, err := ask(ctx, d.probes[dev])
			if err == nil && s.profile.Records != before {
				err = fmt.Errorf("device %s has %d listener records, there were %d", dev, s.profile.Records, before)
			}
			return err
		},
	}
}

// run plays a trial and measures it from just before the fault until the pair
// is whole again.
func (d *demo) run(ctx context.Context, t trial) (result, error) {
	d.say("--- fault %d, %s", t.fault, t.title())
	w := window{from: d.src.position()}
	if err := t.inject(ctx); err != nil {
		return result{}, err
	}
	problem := d.holdAndHeal(ctx, t)
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
	limit := t.widened(still)
	r := result{
		Fault: t.fault, Device: t.device, Streams: len(streams), GapMS: tenths(total.gap), Lost: total.lost,
		Duplicated: total.duplicated, LateMS: tenths(still), LimitMS: tenths(limit), name: t.name,
	}
	if worth := total.duplicated * int(packetInterval) / len(memberships()); problem == nil && t.doubles > 0 && worth > int(t.doubles) {
		problem = fmt.Errorf("both devices sent for %v, the limit is %v", time.Duration(worth), t.doubles)
	}
	if problem != nil {
		r.note = problem.Error()
		d.say("not as required: %v", problem)
	}
	r.OK = problem == nil && total.gap <= limit
	if still > max(t.limit, shortStandstill) {
		r.OK, r.void = false, true
		r.note = fmt.Sprintf("proves nothing: the source itself stood still for %.1f ms", ms(still))
		d.say("this %s", r.note)
	}
	return r, nil
}

// widened is the limit on a machine whose threads came late by as much as the source did
// meanwhile. On an emulated one that is the time in which a device could not react either.
func (t trial) widened(late time.Duration) time.Duration {
	if !pace.emulated() || t.limit == limitNoLoss {
		return t.limit
	}
	return t.limit + late
}

// attempts is how often a trial is played at most when the source stands still.
const attempts = 3

// noMoreAttempts begin this long after the demonstration did.
const noMoreAttempts = 60 * time.Second

// play plays trials that belong together, and plays them again when the machine
// had no time for the source. A result that is merely bad stands.
func (d *demo) play(ctx context.Context, unit []trial) (results []result, err error) {
	for attempt := 1; ; attempt++ {
		results = nil
		void := false
		for _, t := range unit {
			r, err := d.run(ctx, t)
			if err != nil {
				return nil, err
			}
			results = append(results, r)
			void = void || r.void
		}
		if !void || attempt == attempts || time.Since(d.log.began) > noMoreAttempts {
			return results, nil
		}
	}
}

func (t trial) title() string {
	if t.device == both {
		return t.name
	}
	return "device " + t.device + ": " + t.name
}

// holdAndHeal returns what did not happen that should have.
func (d *demo) holdAndHeal(ctx context.Context, t trial) error {
	var problem error
	if t.during != nil {
		problem = t.during(ctx)
	}
	if err := sleep(ctx, t.hold); err != nil {
		return err
	}
	if t.heal == nil {
		return problem
	}
	if err := t.heal(ctx); err != nil {
		return err
	}
	healed := time.Now()
	if err := d.whole(ctx); err != nil {
		return err
	}
	d.say("whole again %.1f s after healing: %s", time.Since(healed).Seconds(), d.sharing)
	if t.after != nil && problem == nil {
		problem = t.after(ctx)
	}
	return problem
}

// whole waits until both devices are ready, know the same and share the streams, and the
// switch has the legs to both in its aggregate.
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

// report prints what the listeners of each group missed and sums it up.
func (d *demo) report(w window) loss {
	byGroup := make(map[netip.Addr]loss)
	d.aud.look(func(list []*listener) {
		for _, l := range list {
			if l.since <= w.from {
				byGroup[l.stream.group] = byGroup[l.stream.group].add(l.tally.loss(w))
			}
		}
	})
	var total loss
	for _, s := range streams {
		l := byGroup[s.group]
		total = total.add(l)
		if l != (loss{}) {
			d.say("  %-14s missed %4d, gap %6.1f ms, duplicated %d", s.group, l.lost, ms(l.gap), l.duplicated)
		}
	}
	if total == (loss{}) {
		d.say("  no packet missed, none duplicated, in %d groups", len(streams))
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

// tenths is a duration in milliseconds with one decimal.
func tenths(d time.Duration) float64 {
	return float64(d.Round(100*time.Microsecond)) / float64(time.Millisecond)
}
