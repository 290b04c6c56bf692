package lab

import (
	"context"
	"fmt"
)

// trials lists the trials of the demonstration, in order. The trials in one inner list
// belong together: the first leaves a device dead that the second starts again.
func (d *demo) trials() [][]trial {
	var list [][]trial
	each := func(rows ...func(dev string) []trial) {
		for _, row := range rows {
			for _, dev := range devices {
				list = append(list, row(dev))
			}
		}
	}
	each(d.dies, d.isolated, d.legDown, d.upstreamDown)
	list = append(list, []trial{d.coreCut()}, []trial{d.serviceCut()}, d.pathCuts())
	each(d.switchedOver, d.legUnable, d.upstreamUnable, d.upstreamSilent)
	list = append(list, d.oneSilent())
	each(d.forwardPolicy, d.gateChanged, d.membershipsGone, d.wrongSide, d.portLate)
	list = append(list, []trial{d.inputPolicy()})
	each(d.outputPolicy)
	if d.lacp {
		each(d.legOneWay)
	}
	list = append(list, []trial{d.sourceSilent()})
	return list
}

func (d *demo) dies(dev string) []trial { return []trial{d.death(dev), d.rebirth(dev)} }

func (d *demo) isolated(dev string) []trial {
	return []trial{{
		fault: 2, device: dev, name: "isolated without a word", limit: limitDeath, hold: holdTime,
		inject: func(context.Context) error { return d.topo.isolate(dev) },
		says:   says(other(dev), alarms, "ETRUNK_PEER_LOST"),
		heal:   func(context.Context) error { return d.topo.reconnect(dev) },
	}}
}

func (d *demo) legDown(dev string) []trial {
	return []trial{{
		fault: 3, device: dev, name: "Eth-Trunk leg down", limit: limitLink, hold: holdTime,
		inject: func(context.Context) error { return d.topo.leg(dev, false) },
		says:   says(dev, alarms, "ETRUNK_LEG_DOWN"),
		heal:   func(context.Context) error { return d.topo.leg(dev, true) },
	}}
}

func (d *demo) upstreamDown(dev string) []trial {
	return []trial{{
		fault: 4, device: dev, name: "upstream down", limit: limitLink, hold: holdTime,
		inject: func(context.Context) error { return d.topo.upstream(dev, false) },
		says:   says(dev, alarms, "UPSTREAM_DOWN"),
		heal:   func(context.Context) error { return d.topo.upstream(dev, true) },
	}}
}

func (d *demo) coreCut() trial {
	return trial{
		fault: 6, device: both, name: "path between the devices cut", limit: limitNoLoss, hold: holdTime,
		inject: func(context.Context) error { return d.topo.cutCore() },
		says:   bothAlarm("ETRUNK_PEER_LOST"),
		heal:   func(context.Context) error { return d.topo.healCore() },
	}
}

func (d *demo) switchedOver(dev string) []trial {
	ask := func(command string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := d.probes[dev].Exec(ctx, fmt.Sprintf("%s e-trunk %d", command, etrunkID))
			return err
		}
	}
	return []trial{{
		fault: 8, device: dev, name: "planned switchover", limit: limitNoLoss, hold: holdTime,
		inject: ask("switchover"), heal: ask("undo switchover"),
		says: says(other(dev), duties, "switchover"),
	}}
}

const both = "both"

func (d *demo) death(dev string) trial {
	return trial{
		fault: 1, device: dev, name: "tandemd killed", limit: limitDeath, hold: holdTime,
		inject: func(context.Context) error { return d.keeper.kill(dev) },
		during: func(ctx context.Context) error { return d.keeper.gone(ctx, dev) },
		says:   says(other(dev), alarms, "ETRUNK_PEER_LOST"),
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
