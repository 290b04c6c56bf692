package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/links"
)

// queryLimit is how soon the peer must query the hosts when the querier can no longer do
// so.
var queryLimit = pace.stretch(2 * time.Second)

// legUnable is fault 13: the leg has no link-local address, so the device cannot query.
func (d *demo) legUnable(dev string) []trial {
	without := trial{
		fault: 13, device: dev, name: "leg without link-local address", limit: limitNoLoss, hold: holdTime,
		inject: func(ctx context.Context) error { return d.withoutLinkLocal(ctx, dev, legView, legLink) },
		says:   says(dev, alarms, "MULTICAST_IF_UNABLE", "it has no link-local address"),
		heal:   func(ctx context.Context) error { return d.probes[dev].Configure(ctx, legView, linkLocalAuto) },
	}
	if dev == deviceA { // device a is the querier, because it has the lower address
		d.peerQueries(&without)
	}
	return []trial{{
		fault: 13, device: dev, name: "leg's link-local address deleted", limit: limitNoLoss, hold: holdTime,
		inject: func(context.Context) error { return d.topo.deleteLinkLocal(dev, legLink) },
		says:   says(dev, logs, "LINK_LOCAL_ADDED"),
		heal:   func(context.Context) error { return nil },
	}, without}
}

// peerQueries adds to a trial a check that the peer queries the hosts in time.
func (d *demo) peerQueries(t *trial) {
	var q *queryAwaited
	inject := t.inject
	t.inject = func(ctx context.Context) (err error) {
		if q, err = d.topo.awaitQuery(other(t.device), queryLimit); err != nil {
			return err
		}
		return inject(ctx)
	}
	t.during = func(ctx context.Context) error {
		took, err := q.wait(ctx)
		if err == nil {
			d.say("device %s queries the hosts, %.1f s after the fault", other(t.device), took.Seconds())
		}
		return err
	}
}

// upstreamUnable is fault 14: the device cannot join streams on its upstream interface.
func (d *demo) upstreamUnable(dev string) []trial {
	unable := func(name, why string, inject, heal func(context.Context) error) trial {
		return trial{
			fault: 14, device: dev, name: name, limit: limitLink, hold: holdTime, inject: inject, heal: heal,
			says: says(dev, alarms, "MULTICAST_IF_UNABLE", why),
		}
	}
	return []trial{
		unable("upstream without link-local address", "it has no link-local address",
			func(ctx context.Context) error {
				return d.withoutLinkLocal(ctx, dev, "interface "+upstreamLink, upstreamLink)
			},
			func(ctx context.Context) error {
				return d.probes[dev].Configure(ctx, "interface "+upstreamLink, linkLocalAuto)
			}),
		unable("IPv6 off on the upstream", "IPv6 is disabled on it",
			func(context.Context) error { return d.topo.enableIPv6(dev, upstreamLink, false) },
			func(context.Context) error { return d.topo.enableIPv6(dev, upstreamLink, true) }),
		unable("upstream with an MTU of 1200", "its MTU is below 1280",
			func(context.Context) error { return d.topo.setMTU(dev, upstreamLink, smallMTU) },
			func(context.Context) error {
				return errors.Join(d.topo.setMTU(dev, upstreamLink, usualMTU), d.topo.address(dev, upstreamLink, "5"))
			}),
	}
}

// membershipsGone is fault 21: the kernel deletes the multicast memberships of the daemon
// on the leg, and the interface is made again. The device must still receive the reports
// of new listeners.
func (d *demo) membershipsGone(dev string) []trial {
	gone := func(name string, strike func() error) trial {
		return d.withLatecomers(trial{
			fault: 21, device: dev, name: name, limit: limitLink, hold: holdTime,
			inject: func(context.Context) error { return strike() },
			heal:   func(context.Context) error { return nil },
		})
	}
	return []trial{
		gone("leg: MTU 1200 and back", func() error {
			return errors.Join(d.topo.setMTU(dev, legLink, smallMTU), d.topo.setMTU(dev, legLink, usualMTU),
				d.topo.address(dev, legLink, "10"))
		}),
		gone("leg: IPv6 off and on", func() error {
			return errors.Join(d.topo.enableIPv6(dev, legLink, false), d.topo.enableIPv6(dev, legLink, true))
		}),
	}
}

// legView is the configuration view of the leg. linkLocalAuto is the line in it that
// makes the device add a link-local address.
const linkLocalAuto = "ipv6 address auto link-local"

var legView = fmt.Sprintf("interface eth-trunk %d", ethTrunkID)

// withoutLinkLocal deletes an interface's link-local address and forbids the device to add one.
func (d *demo) withoutLinkLocal(ctx context.Context, dev, view, link string) error {
	if err := d.probes[dev].Configure(ctx, view, "undo "+linkLocalAuto); err != nil {
		return err
	}
	return d.topo.deleteLinkLocal(dev, link)
}

// smallMTU is too small for IPv6, which needs 1280 bytes (RFC 8200, section 5).
const smallMTU, usualMTU = 1200, 1500

func (t *topology) setMTU(part, link string, mtu uint32) error {
	return t.spaces[part].Do(func() error {
		fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		req, err := unix.NewIfreq(link)
		if err != nil {
			return err
		}
		req.SetUint32(mtu)
		if err := unix.IoctlIfreq(fd, unix.SIOCSIFMTU, req); err != nil {
			return fmt.Errorf("MTU %d of %s: %w", mtu, link, err)
		}
		return nil
	})
}

func (t *topology) enableIPv6(part, link string, on bool) error {
	return t.spaces[part].SetSysctl("ipv6/conf/"+link+"/disable_ipv6", map[bool]string{true: "0", false: "1"}[on])
}

// address adds the address of a device's link again, which the kernel deletes when IPv6
// is disabled.
func (t *topology) address(device, link, network string) error {
	return t.inside(device, func(h *links.Handle) error { return h.AddAddress(link, deviceAddr(network, device)) })
}

// deleteLinkLocal deletes an interface's link-local address, if it has one.
func (t *topology) deleteLinkLocal(part, link string) error {
	return t.inside(part, func(h *links.Handle) error {
		l, err := h.Link(link)
		if err != nil || !l.LinkLocal.IsValid() {
			return err
		}
		return h.DeleteAddress(link, netip.PrefixFrom(l.LinkLocal, 64))
	})
}
