package device

import (
	"time"

	"tandem/internal/event"
	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/rbs"
)

// downstream is an interface towards hosts.
type downstream struct {
	name   string
	netdev string
	cfg    InterfaceSettings
	link   LinkChanged
	router *mld.Router
	DownstreamKept
	ledger  *ledger  // nil without a profile
	service *service // that replicates it, nil when none does
	awaited awaited  // of which the peer is yet to know
	number  uint32   // of this device, given once, from 1 on
}

// DownstreamKept is what a device knows of an interface beside its router.
type DownstreamKept struct {
	// Refused joins that have been told of, and when that was last.
	Refused   uint64
	RefusedAt instant.Time
}

// upstream is the interface where streams come from (RFC 4605).
type upstream struct {
	name   string
	netdev string
	link   LinkChanged
	proxy  *mld.Proxy
}

func (i *downstream) setLink(now instant.Time, link LinkChanged, fx *mld.Effects) {
	i.link = link
	i.router.SetLink(now, link.LinkLocal, link.Up, fx)
}

func (u *upstream) setLink(now instant.Time, link LinkChanged) {
	u.link = link
	u.proxy.SetLink(now, link.LinkLocal, link.Up)
}

func (d *Device) mldReceived(now instant.Time, ev *MLDReceived) {
	if u := d.upstream; u != nil && u.netdev == ev.Netdev {
		if err := u.proxy.Receive(now, ev.Meta, ev.Packet); err == nil {
			d.advanceProxy(now)
		}
		return // the proxy counts what it drops
	}
	for _, ifc := range d.order.downstreams {
		if ifc.netdev == ev.Netdev {
			ifc.router.SetRoom(d.room(ifc))
			// The router counts what it drops, by cause.
			_ = ifc.router.Receive(now, d.version(now), ev.Meta, ev.Packet, &d.mldFx)
			d.applyMLD(now, ifc)
			d.noteRefusals(now, ifc)
			return
		}
	}
	d.kept.Counters.MLDElsewhere++
}

// mldMalformed counts a message where it came in, and of the device.
func (d *Device) mldMalformed(ev MLDMalformed) {
	d.kept.Counters.MLDMalformed++
	if u := d.upstream; u != nil && u.netdev == ev.Netdev {
		u.proxy.Malformed()
		return
	}
	for _, ifc := range d.order.downstreams {
		if ifc.netdev == ev.Netdev {
			ifc.router.Malformed()
			return
		}
	}
}

// room is how many records hosts may bring an interface to, -1 for no bound.
func (d *Device) room(ifc *downstream) int {
	left := d.settings.RecordLimit
	if left == 0 {
		return -1
	}
	for _, other := range d.order.downstreams {
		if other != ifc {
			left -= other.router.Hosts()
		}
	}
	return max(left, 0)
}

// refusalPause is the least time between two notices of refused joins on one interface.
const refusalPause = time.Minute

// noteRefusals tells of joins that the configuration has refused.
func (d *Device) noteRefusals(now instant.Time, ifc *downstream) {
	refused := ifc.router.Refused()
	if refused == ifc.Refused || ifc.Refused != 0 && now < ifc.RefusedAt.Add(refusalPause) {
		return
	}
	drops := ifc.router.State(now).Counters.Drops
	d.tell(event.MLDJoinRefused.With(ifc.name, refused-ifc.Refused, drops.Policy, drops.Access, drops.Limit))
	ifc.Refused, ifc.RefusedAt = refused, now
}

// applyMLD takes over what an interface's router asked for.
func (d *Device) applyMLD(now instant.Time, ifc *downstream) {
	fx := &d.mldFx
	for i := range fx.Queries {
		d.fx.MLD = append(d.fx.MLD, SendMLD{
			Netdev:      ifc.netdev,
			Destination: fx.Queries[i].Destination(),
			Payload:     mld.AppendQuery(nil, fx.Queries[i]),
			RouterAlert: ifc.cfg.MLD.SendRouterAlert,
		})
	}
	for _, group := range fx.Groups {
		d.regroup(now, group)
	}
	for _, o := range fx.OtherVersion {
		d.tell(event.MLDVersionMismatch.With(ifc.name, o.From, o.Version, ifc.cfg.MLD.Version))
	}
	if s := ifc.service; s != nil {
		for _, key := range fx.Changed {
			s.core.Dirty(now, d.replicaKey(ifc, key))
		}
		if len(fx.Joined) > 0 {
			d.noteOrphans(now, ifc, s, fx)
		}
	}
	fx.Reset()
}

func (d *Device) advanceProxy(now instant.Time) {
	u := d.upstream
	if u == nil {
		return
	}
	pending := u.proxy.Pending()
	u.proxy.Advance(now, &d.mldFx)
	for _, report := range d.mldFx.Reports {
		d.fx.MLD = append(d.fx.MLD, SendMLD{
			Netdev: u.netdev, Destination: report.Dst, Payload: report.Payload,
			RouterAlert: d.settings.Interfaces[u.name].MLD.SendRouterAlert,
		})
	}
	d.mldFx.Reset()
	if (pending > 0) != (u.proxy.Pending() > 0) {
		d.dutyDirty = true
	}
}

// serviceOf finds the service that is to replicate an interface, nil when none is.
func (d *Device) serviceOf(ifc *downstream) *service {
	p, ok := d.settings.Profiles[ifc.cfg.Profile]
	if !ok || !p.replicates() {
		return nil
	}
	return d.services[p.Service]
}

func (d *Device) replicaKey(ifc *downstream, key mld.Key) rbs.Key {
	return ifc.ledger.key(key)
}
