package lab

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"tandem/internal/etrunk"
)

// joinLimit is how soon a new listener must receive its stream.
var joinLimit = pace.stretch(500 * time.Millisecond)

// lateHosts are the hosts of the new listeners. For each stream, the switch hashes its
// host to the leg of the device that does not send the stream.
var lateHosts = map[string]int{deviceA: 2, deviceB: 1}

// joinLate adds new listeners, one for a new stream of each device, and checks that each
// receives its stream.
func (d *demo) joinLate(ctx context.Context) (late []*listener, err error) {
	for _, dev := range devices {
		s := stream{d.newGroup(ssmRange, dev), true}
		d.sends(s.group)
		l, err := d.aud.add(membership{lateHosts[dev], s})
		if err != nil {
			return late, err
		}
		l.since = ^uint64(0) // its losses are not measured, because the listener exists only in this trial
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

// served waits for the first packet of a listener, and returns how long it took.
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

// leaveLate removes the listeners that joinLate has added.
func (d *demo) leaveLate(late []*listener) {
	for _, l := range late {
		d.aud.leave(l)
	}
	d.sendsNoMore()
}

// Ranges of the groups of which each is used in one trial only.
var (
	ssmRange = netip.MustParseAddr("ff3e::8001:0")
	asmRange = netip.MustParseAddr("ff1e::1:0")
)

// newGroup returns a group that no earlier trial has used. While both devices are ready,
// dev sends the group's stream.
func (d *demo) newGroup(in netip.Addr, dev string) netip.Addr {
	for {
		d.newGroups++
		a := in.As16()
		binary.BigEndian.PutUint16(a[14:], d.newGroups)
		if g := netip.AddrFrom16(a); senderOf(g) == dev {
			return g
		}
	}
}

// senderOf returns the device that sends a stream while both are ready.
func senderOf(group netip.Addr) string { return devices[etrunk.BucketOf(sourceAddr, group)] }

// sends makes the source send to one more group.
func (d *demo) sends(group netip.Addr) {
	d.also = append(d.also, group)
	d.src.sends(slices.Concat(d.groups, d.also))
}

// sendsNoMore makes the source stop sending to the groups that sends has added.
func (d *demo) sendsNoMore() {
	d.also = nil
	d.src.sends(d.groups)
}

// withLatecomers adds to a trial a check that listeners that join during the fault
// receive their streams.
func (d *demo) withLatecomers(t trial) trial {
	var late []*listener
	t.during = func(ctx context.Context) (err error) {
		late, err = d.joinLate(ctx)
		return err
	}
	t.after = func(context.Context) error {
		d.leaveLate(late)
		return nil
	}
	return t
}
