package device

import (
	"cmp"
	"slices"

	"tandem/internal/instant"
	"tandem/internal/rbs"
)

// Resume is the first Configure of a device that takes the place of one of the same
// ID and boot, at the same origin of time. Roles, duty and gate are what they were, no
// host is asked and no router told anything anew; every forwarding entry is asked for
// once more, so that the kernel's can be compared with them.
func (d *Device) Resume(now instant.Time, settings Settings, cp *Checkpoint) error {
	for _, cfg := range settings.ETrunks {
		if err := cfg.Validate(); err != nil {
			return err
		}
	}
	d.settings, d.clock = settings, rbs.ResumeClock(cp.Clock)
	d.kept, d.orphans.OrphansKept = cp.Kept.clone(), cp.Orphans.clone()
	d.resumeTrunks(now, cp)
	d.resumeServices(now, cp)
	d.configureDownstreams(now)
	d.resumeDownstreams(now, cp)
	d.configureUpstream(now, &cp.Upstream)
	d.resumeRoutes(now, cp)
	d.resumeOrphans(now, cp)
	d.refreshAll(now)
	d.settle(now)
	return nil
}

// resumeTrunks makes those E-Trunks that there were before the rest are configured.
func (d *Device) resumeTrunks(now instant.Time, cp *Checkpoint) {
	for _, tc := range cp.Trunks {
		cfg, wanted := d.settings.ETrunks[tc.ID]
		if !wanted {
			continue
		}
		t := d.newTrunk(tc.ID)
		_ = t.random.UnmarshalBinary(tc.Random) // else it stays as it was seeded
		t.cfg, t.TrunkKept = cfg, tc.Kept
		t.core.Resume(now, now.Sub(cp.At), cfg, tc.Session)
		d.configureMembers(t)
		for _, mc := range tc.Members {
			if m := t.members[mc.EthTrunk]; m != nil {
				m.MemberKept = mc.Kept
			}
		}
	}
	d.configureTrunks(now)
}

func (d *Device) resumeServices(now instant.Time, cp *Checkpoint) {
	for _, sc := range cp.Services {
		if _, wanted := d.settings.Services[sc.Name]; !wanted {
			continue
		}
		s := d.newService(sc.Name)
		s.core.Resume(sc.Core)
		s.ServiceKept = sc.Kept
		if s.InSync && !d.replayed { // the program that had the connection has gone
			s.InSync, s.LostAt = false, now
		}
		d.services[sc.Name] = s
	}
	d.configureServices(now)
}

// resumeDownstreams gives the interfaces their records back. There is no upstream yet, which
// would be told of what some of the interfaces want as if the others wanted nothing.
func (d *Device) resumeDownstreams(now instant.Time, cp *Checkpoint) {
	for i := range cp.Interfaces {
		ic := &cp.Interfaces[i]
		ifc := d.downstreams[ic.Name]
		if ifc == nil {
			continue
		}
		ifc.DownstreamKept = ic.Kept
		ifc.router.Resume(now, ic.Router)
		ifc.setLink(now, ifc.link)
	}
	d.assign(now) // what the routers are to do while the channel is away
}

// resumeRoutes adds the entries that streams have made and asks for all of them.
// Half-made ones, of when only some of the listeners were there, must not be seen.
func (d *Device) resumeRoutes(now instant.Time, cp *Checkpoint) {
	if !d.upstream.exists() {
		return
	}
	for _, rc := range cp.Routes {
		sg := SourceGroup{rc.Source, rc.Group}
		out := d.outgoing(sg)
		if r := d.routes.get(sg); r != nil {
			r.Since = rc.Kept.Since
			continue
		}
		if rc.Kept.Origin == RouteSSM || out == nil && rc.Kept.Origin != RouteIdle {
			continue
		}
		d.routes.add(sg, route{outgoing: out, RouteKept: rc.Kept})
		if rc.Kept.Origin == RouteIdle {
			d.routes.idle = append(d.routes.idle, sg)
		}
	}
	slices.SortFunc(d.routes.idle, func(a, b SourceGroup) int {
		return int(d.routes.get(a).Since.Sub(d.routes.get(b).Since))
	})
	d.fx.Routes = d.fx.Routes[:0]
	d.reinstall(now)
}

// resumeOrphans sends for the listeners of which the peer may not know until the
// databases have been compared. A replay gives the peer the time that it had.
func (d *Device) resumeOrphans(now instant.Time, cp *Checkpoint) {
	for _, lc := range cp.Unknown {
		for _, s := range d.order.services {
			if ifc := s.interfaceOf(lc.Key); ifc != nil {
				patient := d.replayed && !lc.Kept.Overdue
				d.orphans.await(lc.Kept.Since, listener{ifc, ifc.handle(lc.Key)}, lc.Kept.Version, patient)
			}
		}
	}
	slices.SortFunc(d.orphans.fresh, func(a, b arrival) int { return cmp.Compare(a.since, b.since) })
	if len(d.orphans.fresh) > 0 {
		d.orphansAt(d.orphans.fresh[0].since.Add(orphanPatience))
	}
}
