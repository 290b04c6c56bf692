package lab

import (
	"context"
	"fmt"
	"time"
)

// The longest interruption that a fault may cause, by its number in the list of faults
// that the pair must survive.
var (
	limitLink   = pace.stretch(20*time.Millisecond) + packetInterval - time.Millisecond // 3 and 4: the device detects the fault itself
	limitDeath  = detection() + limitLink                                               // 1 and 2: the peer has to detect the fault
	limitNoLoss = time.Duration(0)                                                      // 5, 6, 7, 8
)

// trial is one fault of the demonstration.
type trial struct {
	fault  int
	device string // "a", "b" or "both"
	name   string
	limit  time.Duration
	// doubles is how long both devices may send the same stream, 0 if this is not
	// checked.
	doubles time.Duration
	inject  func(context.Context) error
	// hold is how long the fault lasts. If during is set, the fault lasts as long as
	// during takes.
	hold   time.Duration
	during func(context.Context) error
	// heal repairs the fault; then the trial waits until the pair is complete again.
	// Without heal the fault lasts into the next trial.
	heal func(context.Context) error
	// after checks further requirements when the pair is complete again.
	after func(context.Context) error
}

// result is one line of the final table and of the results file.
type result struct {
	Fault      int     `json:"fault"`
	Device     string  `json:"device"`
	Streams    int     `json:"streams"`
	GapMS      float64 `json:"gap_ms"`
	Lost       int     `json:"lost"`
	Duplicated int     `json:"duplicated"`
	LateMS     float64 `json:"late_ms"` // longest standstill of the source during the trial
	LimitMS    float64 `json:"limit_ms"`
	OK         bool    `json:"ok"`
	// Inconclusive says that the result proves nothing: the source stood still for so
	// long that this may have hidden a gap, or that the machine itself may have caused
	// the gap. A shorter standstill can hide only gaps that are allowed.
	Inconclusive bool `json:"inconclusive"`

	name string
	note string // why the result is not ok, if the figures do not show it
}

// verdict returns the result as one word.
func (r result) verdict() string {
	switch {
	case r.OK:
		return "ok"
	case r.Inconclusive:
		return "inconclusive"
	}
	return "NOT OK"
}

var (
	holdTime  = max(800*time.Millisecond, 2*limitDeath)
	healLimit = pace.stretch(15 * time.Second)
	// quiet is how long the streams are still measured after the pair is complete.
	quiet = pace.stretch(300 * time.Millisecond)
	// flight is longer than a packet takes from the source through the socket to its
	// reader.
	flight = pace.stretch(60 * time.Millisecond)
	// shortStandstill is a standstill of the source that never makes a trial
	// inconclusive: ten packets.
	shortStandstill = 10 * packetInterval
)

// trials returns the demonstration's faults, in order. Trials in one inner list belong
// together: the first one leaves a device dead that the second one starts again.
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
