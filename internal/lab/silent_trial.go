package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// limitSilent is how long a listener may miss a stream that no longer arrives at one
// device: 60 ms, or at low rates five packet intervals and 20 ms.
var limitSilent = max(60*time.Millisecond, pace.stretch(20*time.Millisecond)+5*packetInterval)

// upstreamSilent is fault 15: the upstream interface has carrier, and no stream arrives
// on it.
func (d *demo) upstreamSilent(dev string) []trial {
	return []trial{{
		fault: 15, device: dev, name: "upstream silent, with carrier", limit: limitSilent, paced: true, hold: holdTime,
		inject: func(context.Context) error { return d.topo.deafen(dev, upstreamLink) },
		says:   says(dev, alarms, "streams do not arrive"),
		heal:   func(context.Context) error { return d.topo.reconnect(dev) },
	}}
}

// oneSilent is fault 16: one of a thousand streams does not arrive at one device.
func (d *demo) oneSilent() []trial {
	silent := func(dev string) trial {
		var from uint32
		return trial{
			fault: 16, device: dev, name: fmt.Sprintf("one of %d streams silent at it", crowdSize+len(streams)), limit: limitSilent, paced: true, hold: holdTime,
			inject: func(ctx context.Context) (err error) {
				if d.crowd == nil {
					d.crowd, err = startCrowd(ctx, d.topo, crowdSize)
				}
				if err != nil {
					return err
				}
				from = d.crowd.round.Load()
				return d.topo.deafen(dev, upstreamLink, d.firstOf(dev))
			},
			says: says(dev, alarms, "STREAMS_LACKING"),
			heal: func(context.Context) error { return d.topo.reconnect(dev) },
			after: func(context.Context) error {
				if lost := d.crowd.lost(from, d.crowd.round.Load()-1); lost > 0 {
					return fmt.Errorf("the other %d streams missed %d packets", d.crowd.size, lost)
				}
				d.say("the other %d streams missed nothing", d.crowd.size)
				return nil
			},
		}
	}
	last := silent(deviceB)
	last.end = func() {
		d.crowd.close()
		d.crowd = nil
	}
	return []trial{silent(deviceA), last}
}

// firstOf returns the first group whose stream the device sends.
func (d *demo) firstOf(dev string) netip.Addr {
	return d.groups[slices.IndexFunc(d.groups, func(g netip.Addr) bool { return senderOf(g) == dev })]
}

// sourceSilent is fault 16, too: sources stop, and the devices must not react. It is the
// last trial, because afterwards the devices tolerate longer pauses of these streams.
func (d *demo) sourceSilent() trial {
	return trial{
		fault: 16, device: both, name: "source silent", limit: limitNoLoss, doubles: packetInterval,
		inject: func(ctx context.Context) error {
			if err := poll(ctx, healLimit, func() error { return d.onlyKnown(ctx) }); err != nil {
				return err
			}
			d.src.paused.Store(true)
			return nil
		},
		during: func(ctx context.Context) error { return errors.Join(sleep(ctx, holdTime), d.calm(ctx)) },
		heal: func(context.Context) error {
			d.src.paused.Store(false)
			return nil
		},
		after: d.calm,
	}
}

// onlyKnown returns an error while a device still has entries of an earlier trial, which would be all
// that is left to judge by while the others are silent.
func (d *demo) onlyKnown(ctx context.Context) error {
	p, err := askPair(ctx, d.probes[deviceA], d.probes[deviceB])
	if a, b := len(p.a.entries), len(p.b.entries); err == nil && max(a, b) > len(d.groups) {
		err = fmt.Errorf("device a has %d entries, device b %d", a, b)
	}
	return err
}

// calm returns an error unless both devices share the sending and neither displays that
// streams do not arrive.
func (d *demo) calm(ctx context.Context) error {
	err := d.dutyUnchanged(ctx)
	for _, s := range slices.Concat(bothAlarm("STREAMS_LACKING"), bothAlarm("ETRUNK_NOT_READY")) {
		found, failed := s.lines(ctx, d)
		if err = errors.Join(err, failed); len(found) > 0 {
			err = errors.Join(err, fmt.Errorf("device %s says: %s", s.device, found[0]))
		}
	}
	return err
}
