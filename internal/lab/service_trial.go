package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// lateStreams are joined only while the remote backup service is down. The switch hashes
// each host to the leg of the device that does not have the stream's bucket. The first
// stream is in the bucket of device a, the second in that of device b.
var lateStreams = []membership{
	{host: 2, stream: stream{netip.MustParseAddr("ff3e::8000:11"), true}},
	{host: 1, stream: stream{netip.MustParseAddr("ff3e::8000:12"), true}},
}

// leaver leaves its stream while the service is down; another host still listens to the stream.
var leaver = membership{host: 2, stream: streams[0]}

var (
	// joinLimit is how soon a new listener must be served.
	joinLimit = pace.stretch(500 * time.Millisecond)
	// equalLimit is how soon after reconnection the databases must be equal.
	equalLimit = pace.stretch(time.Second)
)

// serviceCut is fault 5: only the remote backup service goes down, while hosts join and leave.
func (d *demo) serviceCut() trial {
	var late []*listener
	return trial{
		fault: 5, device: both, name: "remote backup service cut", limit: limitNoLoss,
		inject: func(context.Context) error { return d.topo.cutService() },
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
			for _, l := range late {
				d.aud.leave(l)
			}
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

// joinLate adds new listeners and checks that each is served.
func (d *demo) joinLate(ctx context.Context) (late []*listener, err error) {
	for _, m := range lateStreams {
		l, err := d.aud.add(m)
		if err != nil {
			return late, err
		}
		l.since = ^uint64(0) // not measured in other windows, because it exists only within the trial
		late = append(late, l)
	}
	for _, l := range late {
		served, err := d.served(ctx, l, joinLimit)
		if err != nil {
			return late, fmt.Errorf("new listener %v: %w", l.membership, err)
		}
		d.say("new listener %v is served %.1f ms after it joined", l.membership, ms(served))
	}
	return late, nil
}

// served waits for a listener's first packet and returns how long it took.
func (d *demo) served(ctx context.Context, l *listener, limit time.Duration) (time.Duration, error) {
	var at int64
	err := poll(ctx, limit, func() error {
		d.aud.look(func([]*listener) { at = l.tally.earliest() })
		if at == 0 {
			return errors.New("no packet")
		}
		return nil
	})
	return time.Duration(at - l.joined.UnixNano()), err
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
