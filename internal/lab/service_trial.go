package lab

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// leaver leaves its stream while the service is down; another host still listens to the stream.
var leaver = membership{host: 2, stream: streams[0]}

// equalLimit is how soon after reconnection the databases must be equal.
var equalLimit = pace.stretch(time.Second)

// serviceCut is fault 5: only the remote backup service goes down, while hosts join and leave.
func (d *demo) serviceCut() trial {
	var late []*listener
	return trial{
		fault: 5, device: both, name: "remote backup service cut", limit: limitNoLoss,
		inject: func(context.Context) error { return d.topo.cutService() },
		says:   bothAlarm("RBS_CHANNEL_DOWN"),
		during: func(ctx context.Context) (err error) {
			if err := d.serviceIs(ctx, false); err != nil {
				return err
			}
			late, err = d.joinLate(ctx)
			d.leaveEarly()
			return errors.Join(err, d.dutyUnchanged(ctx))
		},
		hold: holdTime,
		heal: func(ctx context.Context) error {
			if err := d.topo.healCore(); err != nil {
				return err
			}
			return d.equalSoon(ctx)
		},
		after: func(ctx context.Context) error {
			d.leaveLate(late)
			return d.rejoin(ctx)
		},
	}
}

// serviceIs waits until both devices show that the service is connected, or that it is not.
func (d *demo) serviceIs(ctx context.Context, connected bool) error {
	return poll(ctx, healLimit, func() error {
		p, err := askPair(ctx, d.probes[deviceA], d.probes[deviceB])
		if err != nil {
			return err
		}
		for _, dev := range devices {
			if s := p.of(dev).service.TCP; (s == "Connected") != connected {
				return fmt.Errorf("backup service of device %s is %s", dev, s)
			}
		}
		return nil
	})
}

func (d *demo) leaveEarly() {
	var found *listener
	d.aud.look(func(list []*listener) {
		for _, l := range list {
			if l.membership == leaver {
				found = l
			}
		}
	})
	if found != nil {
		d.aud.leave(found)
		d.say("%v leaves", leaver)
	}
}

// rejoin joins the leaver's stream again, for the following trials.
func (d *demo) rejoin(ctx context.Context) error {
	l, err := d.aud.add(leaver)
	if err != nil {
		return err
	}
	_, err = d.served(ctx, l, startLimit)
	l.since = d.src.position()
	return err
}

// dutyUnchanged checks that both devices still share the sending.
func (d *demo) dutyUnchanged(ctx context.Context) error {
	p, err := askPair(ctx, d.probes[deviceA], d.probes[deviceB])
	if err != nil {
		return err
	}
	for _, dev := range devices {
		if duty := p.of(dev).duty.Duty; duty != "shared" {
			return fmt.Errorf("duty of device %s became %q", dev, duty)
		}
	}
	return nil
}

// equalSoon waits for the connection and checks that the databases become equal within
// equalLimit.
func (d *demo) equalSoon(ctx context.Context) error {
	if err := d.serviceIs(ctx, true); err != nil {
		return err
	}
	connected := time.Now()
	err := poll(ctx, equalLimit, func() error {
		p, err := askPair(ctx, d.probes[deviceA], d.probes[deviceB])
		if err == nil && !p.equal() {
			err = fmt.Errorf("databases differ: %d records on a, %d on b", p.a.profile.Records, p.b.profile.Records)
		}
		return err
	})
	if err == nil {
		d.say("databases equal %.2f s after reconnection was seen", time.Since(connected).Seconds())
	}
	return err
}
