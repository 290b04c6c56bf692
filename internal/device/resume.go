package device

import (
	"tandem/internal/instant"
	"tandem/internal/rbs"
)

// Resume is the first Configure of a device that replaces a predecessor of the same ID,
// boot and origin of time. Roles, duty and gate stay as they were; hosts get no extra
// query and routers no extra report. Every forwarding entry is requested once more, so
// that the plane can compare it with the kernel's.
func (d *Device) Resume(now instant.Time, settings Settings, cp *Checkpoint) error {
	for _, cfg := range settings.ETrunks {
		if err := cfg.Validate(); err != nil {
			return err
		}
	}
	d.settings, d.clock = settings, rbs.ResumeClock(cp.Clock)
	d.kept, d.exceptions.OrphansKept = cp.Kept.clone(), cp.Orphans.clone()
	d.trunks.resume(now, cp)
	d.services.resume(now, cp)
	d.downstreams.configure(now)
	d.assign(now)
	d.resumeDownstreams(now, cp)
	d.configureUpstream(now, &cp.Upstream)
	d.routes.resume(now, cp)
	d.services.resumeListeners(cp)
	d.arrivals.resume(now, cp)
	d.refreshAll(now)
	d.settle(now)
	return nil
}

// resumeDownstreams gives the interfaces their records back. It runs before the upstream
// interface exists: otherwise the proxy would report upstream what only some of the
// interfaces want.
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
	d.assign(now) // so that the routers know how to treat the peer's records while the channel is down
}
