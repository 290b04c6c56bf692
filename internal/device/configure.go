package device

import (
	"tandem/internal/instant"
	"tandem/internal/mld"
)

// Configure applies new settings. It leaves alone what has not changed: no listener is
// lost, no connection is closed. After an error nothing has changed.
func (d *Device) Configure(now instant.Time, settings Settings) error {
	for _, cfg := range settings.ETrunks {
		if err := cfg.Validate(); err != nil {
			return err
		}
	}
	d.settings = settings
	d.trunks.configure(now)
	d.services.configure(now)
	d.configureUpstream(now, nil)
	d.downstreams.configure(now)
	d.assign(now)
	d.refreshAll(now)
	d.settle(now)
	return nil
}

// configureUpstream makes the upstream interface. If there was a predecessor, memory is
// its state.
func (d *Device) configureUpstream(now instant.Time, memory *mld.ProxyMemory) {
	var name string
	for n, cfg := range d.settings.Interfaces {
		if cfg.Upstream {
			name = n
		}
	}
	cfg := d.settings.Interfaces[name]
	if d.proxy.configure(now, name, cfg) {
		return
	}
	was := d.proxy.netdev
	d.proxy.leave(now, d.downstreams.groups())
	d.routes.withdraw(now, was)
	if name == "" {
		return
	}
	d.proxy.open(now, name, cfg, memory)
	d.routes.regroupAll(now)
	if memory != nil {
		for _, m := range memory.Groups { // no listener may want some of the predecessor's groups any more
			d.routes.regroup(now, m.Group)
		}
	}
}

// assign gives every interface its member, and the service that its profile names now. If
// an interface has come to a service, has left it or has got another name there, the
// service exchanges all records again, because the peer may have refused those of that
// interface before.
func (d *Device) assign(now instant.Time) {
	changed := make(map[*service]bool)
	had := make(map[*downstream]*service)
	for _, s := range d.services.list {
		for _, ifc := range s.interfaces {
			had[ifc] = s
		}
		s.dropIndex()
		s.interfaces = nil
	}
	for _, ifc := range d.downstreams.list {
		p := d.settings.Profiles[ifc.cfg.Profile]
		ifc.member, ifc.service = d.trunks.memberOf(p, ifc.netdev), nil
		if p.replicates() {
			ifc.service = d.services.get(p.Service)
		}
		s := ifc.service
		id := identity{p.BackupID, ifc.cfg.SubInterface}
		renamed := ifc.ledger == nil || ifc.ledger.identity != id
		if renamed {
			ifc.ledger = newLedger(now, id, ifc)
		}
		ifc.router.RetainPeer(now, s != nil && s.Holding)
		ifc.router.SetPartitioned(now, s != nil && !s.InSync)
		if s != nil {
			s.interfaces = append(s.interfaces, ifc)
			changed[s] = changed[s] || renamed || had[ifc] != s
		}
	}
	d.arrivals.reassigned(now)
	for _, s := range d.services.list {
		if changed[s] {
			s.core.Reset(now, &s.fx)
		}
	}
}
