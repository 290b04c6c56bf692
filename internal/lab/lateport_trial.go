package lab

import (
	"context"
	"fmt"
	"time"
)

// How long the switch port above a device may have carrier before it forwards, without
// and with spanning tree.
const (
	latePort     = time.Second
	veryLatePort = 15 * time.Second
)

// portLate is fault 23: the switch port above a device has carrier before it forwards,
// when the cable is plugged in again and when the device boots. No packet may be lost
// when the device takes its streams back.
func (d *demo) portLate(dev string) []trial {
	down := d.upstreamDown(dev)[0]
	down.fault, down.heal = 23, nil
	back := func(late time.Duration) trial {
		return trial{
			fault: 23, device: dev, name: fmt.Sprintf("upstream back, forwards %v later", late), limit: limitNoLoss,
			inject: func(context.Context) error {
				if err := d.topo.block("src", dev); err != nil {
					return err
				}
				return d.topo.upstream(dev, true)
			},
			heal: d.forwardsAfter(late),
		}
	}
	dead, reborn := d.death(dev), d.rebirth(dev)
	dead.fault, reborn.fault = 23, 23
	reborn.name = fmt.Sprintf("tandemd returns, port forwards %v later", latePort)
	start := reborn.inject
	reborn.inject = func(ctx context.Context) error {
		if err := d.topo.block("src", dev); err != nil {
			return err
		}
		return start(ctx)
	}
	reborn.heal = d.forwardsAfter(latePort)
	list := []trial{down, back(latePort), dead, reborn}
	if dev == deviceA && !pace.emulated() {
		list = append(list, down, back(veryLatePort))
	}
	return list
}

func (d *demo) forwardsAfter(late time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := sleep(ctx, late); err != nil {
			return err
		}
		return d.topo.unblock("src")
	}
}
