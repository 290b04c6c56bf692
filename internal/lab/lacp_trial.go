package lab

import (
	"context"
	"fmt"
	"time"

	"tandem/internal/linux/links"
)

// limitLACP is how long the switch may keep a leg in its aggregate that carries no
// packets: LACP with short timeouts removes the leg after three missing messages, one a
// second.
const limitLACP = 3500 * time.Millisecond

// legOneWay is fault 20: a leg has carrier, and loses all packets in one direction. LACP
// at both ends detects this.
func (d *demo) legOneWay(dev string) []trial {
	oneWay := func(name string, inject func() error) trial {
		return trial{
			fault: 20, device: dev, name: name, limit: limitLACP, hold: holdTime,
			inject: func(context.Context) error { return inject() },
			during: func(ctx context.Context) error {
				return poll(ctx, limitLACP+pace.stretch(time.Second), func() error { return d.topo.aggregates(legPort(other(dev))) })
			},
			says: says(dev, alarms, "ETRUNK_LEG_DOWN"),
			heal: func(context.Context) error { return d.topo.unblock("ce") },
		}
	}
	return []trial{
		oneWay("leg passes nothing to the switch", func() error { return d.topo.deafen("ce", legPort(dev)) }),
		oneWay("leg passes nothing to the device", func() error { return d.topo.mute("ce", legPort(dev)) }),
	}
}

// aggregates returns nil if the switch's aggregate contains exactly these legs.
func (t *topology) aggregates(ports ...string) error {
	return t.inside("ce", func(h *links.Handle) error {
		bond, err := h.Bond(lagLink)
		if err == nil && fmt.Sprint(bond.Aggregated()) != fmt.Sprint(ports) {
			err = fmt.Errorf("the switch has %v in its aggregate", bond.Aggregated())
		}
		return err
	})
}
