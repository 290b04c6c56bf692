package lab

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/nftables"
)

// forwardPolicy is fault 17: a chain of another program drops the packets that the device
// forwards.
func (d *demo) forwardPolicy(dev string) []trial {
	return []trial{{
		fault: 17, device: dev, name: "foreign forward policy drop", limit: pace.stretch(700 * time.Millisecond), hold: holdTime,
		inject: func(context.Context) error { return d.topo.dropForwarded(dev) },
		says:   says(dev, alarms, "STREAMS_DROPPED", "table ip6 filter, chain FORWARD: policy drop"),
		heal:   func(context.Context) error { return d.topo.removeFirewall(dev, forwardFilter) },
	}}
}

const (
	flushes    = 50
	flushEvery = 100 * time.Millisecond
)

// limitRepair is how long both devices may send the same stream after another program has
// changed the gate.
var limitRepair = pace.stretch(50 * time.Millisecond)

// gateChanged is fault 18: another program deletes the gate's table, or changes it.
func (d *demo) gateChanged(dev string) []trial {
	repeat := func(name string, times int, every time.Duration, strike func() error) trial {
		var at []uint64
		return trial{
			fault: 18, device: dev, name: name, limit: limitNoLoss, doubles: time.Duration(times) * limitRepair,
			inject: func(ctx context.Context) error {
				at = nil
				var errs []error
				for range times {
					at = append(at, d.src.position())
					errs = append(errs, strike(), sleep(ctx, every))
				}
				return errors.Join(errs...)
			},
			heal:  func(context.Context) error { return nil },
			after: func(context.Context) error { return d.repaired(append(at, d.src.position())) },
		}
	}
	return []trial{
		repeat(fmt.Sprintf("nft flush ruleset, %d in %.0f s", flushes, (flushes*flushEvery).Seconds()), flushes, flushEvery,
			func() error { return d.topo.flushRuleset(dev) }),
		repeat("gate changed and deleted by others", 1, holdTime, func() error { return d.topo.meddle(dev) }),
	}
}

// repaired returns an error if both devices have sent for too long after one of the
// changes. at is the position of the source at each change, and at the end.
func (d *demo) repaired(at []uint64) (err error) {
	d.aud.look(func(list []*listener) {
		for _, l := range list {
			for i := range len(at) - 1 {
				worth := time.Duration(l.tally.loss(window{at[i], at[i+1]}).duplicated) * packetInterval
				if worth > limitRepair {
					err = fmt.Errorf("after one change both devices sent %s for %v", l.stream, worth)
				}
			}
		}
	})
	return err
}

// inputPolicy is fault 24: on both devices an input chain drops the reports of hosts.
func (d *demo) inputPolicy() trial {
	return d.withLatecomers(trial{
		fault: 24, device: both, name: "input policy drop, MLD not let in", limit: limitNoLoss, hold: holdTime,
		inject: func(context.Context) error {
			return errors.Join(d.topo.filterHost(deviceA, nftables.ChainHookInput), d.topo.filterHost(deviceB, nftables.ChainHookInput))
		},
		heal: func(context.Context) error {
			return errors.Join(d.topo.removeFirewall(deviceA, hostFilter), d.topo.removeFirewall(deviceB, hostFilter))
		},
	})
}

// outputPolicy is fault 24, too: an output chain drops the MLD messages that the device
// sends. The device notices this when it sends a message, such as the report of a new
// stream on the upstream interface.
func (d *demo) outputPolicy(dev string) []trial {
	return []trial{d.withLatecomers(trial{
		fault: 24, device: dev, name: "output policy drop, MLD not let out", limit: limitNoLoss, hold: holdTime,
		inject: func(context.Context) error { return d.topo.filterHost(dev, nftables.ChainHookOutput) },
		says:   says(dev, alarms, "MULTICAST_IF_UNABLE", "the kernel refuses to send MLD by it", "ETRUNK_NOT_READY"),
		heal:   func(context.Context) error { return d.topo.removeFirewall(dev, hostFilter) },
	})}
}
