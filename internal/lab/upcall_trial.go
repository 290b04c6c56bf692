package lab

import (
	"context"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// limitFirst is how long a listener may wait for the first packet of a new stream.
var limitFirst = pace.stretch(50 * time.Millisecond)

// wrongSide is fault 22: a host sends a packet with the source address of a stream before
// the stream arrives on the upstream interface.
func (d *demo) wrongSide(dev string) []trial {
	var l *listener
	return []trial{{
		fault: 22, device: dev, name: "first packet from the wrong side", limit: limitFirst, hold: holdTime,
		inject: func(ctx context.Context) (err error) {
			s := stream{group: d.newGroup(asmRange, dev)}
			if l, err = d.aud.add(membership{lateHosts[other(dev)], s}); err != nil {
				return err
			}
			l.since = ^uint64(0)
			if err := sleep(ctx, holdTime); err != nil { // in this time the devices join the group
				return err
			}
			if err := d.topo.forge(lateHosts[other(dev)], s.group); err != nil {
				return err
			}
			if err := sleep(ctx, quiet); err != nil {
				return err
			}
			d.sends(s.group)
			d.aud.look(func([]*listener) { l.since = d.src.position() })
			return nil
		},
		heal: func(context.Context) error { return nil },
		after: func(ctx context.Context) error {
			_, err := d.served(ctx, l, joinLimit)
			return err
		},
		// The stream ends after it was counted.
		end: func() {
			d.sendsNoMore()
			d.aud.leave(l)
		},
	}}
}

// forge makes a host send a packet with the address of the source.
func (t *topology) forge(host int, group netip.Addr) error {
	return t.spaces[hostPart(host)].Do(func() error {
		fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		index, err := interfaceIndex(hostLink)
		if err != nil {
			return err
		}
		for _, o := range []struct{ name, value int }{
			{unix.IPV6_FREEBIND, 1}, {unix.IPV6_MULTICAST_IF, index}, {unix.IPV6_MULTICAST_HOPS, hopLimit},
		} {
			if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, o.name, o.value); err != nil {
				return err
			}
		}
		if err := unix.Bind(fd, &unix.SockaddrInet6{Addr: sourceAddr.As16()}); err != nil {
			return err
		}
		return unix.Sendto(fd, []byte("forged"), 0, &unix.SockaddrInet6{Port: dataPort, Addr: group.As16()})
	})
}
