package daemon

import (
	"errors"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/config"
	"tandem/internal/device"
	"tandem/internal/linux/links"
)

// lacpInterval is how often a leg that is joining the switch's aggregate, or leaving
// it, is looked at, and for lacpSettling, in which both sides have sent a LACPDU, at least.
const (
	lacpInterval = 20 * time.Millisecond
	lacpSettling = time.Second
)

// lookAtLACP tells the device which legs the switch has in its aggregate.
func (d *Daemon) lookAtLACP() {
	d.trunks.lookAt = time.Time{}
	for _, leg := range d.legs() {
		link := d.links.Get(leg)
		apart, key := false, uint16(0)
		if link.Bond != nil && link.Bond.Mode == links.BondLACP {
			bond, err := d.netlink.Bond(leg)
			taken := func(p links.Port) bool { return p.Carrier && p.Actor.Forwarding() && p.Partner.Forwarding() }
			apart, key = err == nil && !slices.ContainsFunc(bond.Ports, taken), bond.ActorKey
		}
		if now := time.Now(); link.Up && (apart != d.trunks.steered[leg].Aside || now.Before(d.trunks.settles)) {
			d.trunks.lookAt = now.Add(lacpInterval)
		}
		if apart != d.trunks.apart[leg] || key != d.trunks.keys[leg] {
			d.trunks.apart[leg], d.trunks.keys[leg] = apart, key
			d.tellLink(link)
		}
	}
}

// steer takes a leg up, down or aside.
func (d *Daemon) steer(leg device.LegChange) error {
	d.trunks.steered[leg.Netdev] = leg
	now := time.Now()
	d.trunks.lookAt, d.trunks.settles = now.Add(lacpInterval), now.Add(lacpSettling)
	if !leg.Up {
		return d.netlink.SetTrunkUp(leg.Netdev, false, nil)
	}
	link := d.links.Get(leg.Netdev)
	bonds, _ := d.trunkPlans(d.model)
	p := bonds[leg.Netdev]
	if link.Bond != nil && link.Bond.Mode == links.BondLACP && p.bond.Mode == links.BondLACP && p.member {
		// What is known of the system may be a moment old.
		if fresh, err := d.netlink.Link(leg.Netdev); err == nil && fresh.Bond != nil {
			link = fresh
		}
		if err := d.setActor(p, link); err != nil {
			return err
		}
	}
	return errors.Join(d.netlink.SetTrunkUp(leg.Netdev, true, d.heldDown), d.trunks.owned.save(d.opts.RunDir))
}

// setUp raises or lowers an interface of the configuration. A sub-interface
// comes up with its trunk and cannot before.
func (d *Daemon) setUp(i *config.Interface, netdev string, up bool) error {
	if i.Trunk != "" && up && d.isLeg(i.Trunk) && !d.trunks.steered[i.Trunk.Netdev()].Up {
		return nil // comes up with its leg
	}
	err := d.netlink.SetUp(netdev, up)
	if _, sub, _ := i.Name.OnEthTrunk(); sub != 0 && up && errors.Is(err, unix.ENETDOWN) {
		return nil
	}
	return err
}
