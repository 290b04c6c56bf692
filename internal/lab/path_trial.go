package lab

import (
	"context"
	"fmt"
	"time"
)

// limitDoubles is how long both devices may send the same stream while their hellos
// arrive on another path.
const limitDoubles = 300 * time.Millisecond

// pathCuts returns the trials of fault 19: the path between the devices is cut, in one
// direction and in both. Their hellos still arrive on a heartbeat path over the upstream
// network.
func (d *demo) pathCuts() []trial {
	cut := func(device, name string, unheard []saying, inject func() error) trial {
		return trial{
			fault: 19, device: device, name: name, limit: limitNoLoss, doubles: limitDoubles, hold: holdTime,
			inject: func(ctx context.Context) error {
				if err := d.heartbeats(ctx, "heartbeat"); err != nil {
					return err
				}
				return inject()
			},
			says:  unheard,
			heal:  func(context.Context) error { return d.topo.healCore() },
			after: func(ctx context.Context) error { return d.heartbeats(ctx, "undo heartbeat") },
		}
	}
	return []trial{
		cut(deviceA, "path from it cut, heartbeat elsewhere", says(deviceB, alarms, "ETRUNK_PATH_LOST"), func() error { return d.topo.cutCoreFrom(deviceA) }),
		cut(both, "path cut, heartbeat elsewhere", bothAlarm("ETRUNK_PATH_LOST"), d.topo.cutCore),
	}
}

// heartbeats configures or removes the heartbeat path on both devices, and waits until that has
// an effect.
func (d *demo) heartbeats(ctx context.Context, command string) error {
	for _, dev := range devices {
		line := fmt.Sprintf("%s peer-ipv6 2001:db8:5::%s source-ipv6 2001:db8:5::%s", command, other(dev), dev)
		if err := d.probes[dev].Configure(ctx, fmt.Sprintf("e-trunk %d", etrunkID), line); err != nil {
			return err
		}
	}
	return poll(ctx, healLimit, func() error {
		for _, dev := range devices {
			if err := d.heard(ctx, dev); err != nil {
				return err
			}
		}
		return nil
	})
}

// heard returns an error that names a path on which no hellos of the peer arrive.
func (d *demo) heard(ctx context.Context, dev string) error {
	var shown struct {
		Trunks []struct {
			Paths []struct{ Path, State string }
		} `json:"e-trunks"`
	}
	if err := d.probes[dev].Display(ctx, fmt.Sprintf("e-trunk %d", etrunkID), &shown); err != nil {
		return err
	}
	for _, t := range shown.Trunks {
		for _, p := range t.Paths {
			if p.State != "Up" {
				return fmt.Errorf("device %s does not hear its peer on the %s path", dev, p.Path)
			}
		}
	}
	return nil
}
