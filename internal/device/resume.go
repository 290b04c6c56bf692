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
	d.downstreams.configure(now)
	d.assign(now)
	d.resumeDownstreams(now, cp)
	d.configureUpstream(now, &cp.Upstream)
	d.routes.resume(now, cp)
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
		d.services.put(sc.Name, s)
	}
	d.configureServices(now)
}

// resumeDownstreams gives the interfaces their records back. There is no upstream yet, which
// would be told of what some of the interfaces want as if the others wanted nothing.
func (d *Device) resumeDownstreams(now instant.Time, cp *Checkpoint) {
	for i := range cp.Interfaces {
		ic := &cp.Interfaces[i]
		ifc := d.downstreams.get(ic.Name)
		if ifc == nil {
			continue
		}
		ifc.DownstreamKept = ic.Kept
		ifc.router.Resume(now, ic.Router)
		ifc.setLink(now, ifc.link)
	}
	d.assign(now) // what the routers are to do while the channel is away
}

// resumeOrphans sends for the listeners of which the peer may not know until the
// databases have been compared. A replay gives the peer the time that it had.
func (d *Device) resumeOrphans(now instant.Time, cp *Checkpoint) {
	for _, lc := range cp.Unknown {
		for _, s := range d.services.list {
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
