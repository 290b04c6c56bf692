package device

import (
	"tandem/internal/instant"
	"tandem/internal/mld"
)

// Configure brings the device from its settings to new ones. What has not
// changed is not touched: no listener is lost, no connection broken. An error
// means that nothing has changed.
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

// configureUpstream makes the upstream interface, with the memory of a predecessor if there is one.
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
		for _, m := range memory.Groups { // some may be wanted no more
			d.routes.regroup(now, m.Group)
		}
	}
}

// assign hands every interface to its member, and to the service that its profile names now. What
// came to a service, left it or got another name there is exchanged anew: the
// peer may have refused those records before.
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
