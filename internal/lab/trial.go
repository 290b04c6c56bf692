package lab

import (
	"context"
	"fmt"
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
	// Inconclusive results prove nothing: the source stood still for so long that it may
	// have hidden a gap, or that the gap may be the machine's. A shorter standstill hides
	// only what is allowed.
	Inconclusive bool `json:"inconclusive"`

	name string
	note string // why it is not ok, when the figures do not say it
}

// verdict is the result in a word.
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
	// quiet is how long the streams are still watched after the pair is whole.
	quiet = pace.stretch(300 * time.Millisecond)
	// flight is more than a packet needs from the source through the socket to its reader.
	flight = pace.stretch(60 * time.Millisecond)
	// shortStandstill of the source never makes a trial inconclusive: ten packets.
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
