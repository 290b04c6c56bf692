package device

import (
	"maps"
	"reflect"
	"slices"

	"tandem/internal/etrunk"
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
	d.configureTrunks(now)
	d.configureServices(now)
	d.configureUpstream(now, nil)
	d.downstreams.configure(now)
	d.assign(now)
	d.refreshAll(now)
	d.settle(now)
	return nil
}

func (d *Device) configureTrunks(now instant.Time) {
	for _, t := range d.trunks.list {
		if _, wanted := d.settings.ETrunks[t.cfg.ID]; !wanted {
			d.trunks.remove(t.cfg.ID)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(d.settings.ETrunks)) {
		cfg := d.settings.ETrunks[id]
		t := d.trunks.get(id)
		if t == nil {
			t = d.newTrunk(id)
		}
		if !reflect.DeepEqual(t.cfg, cfg) {
			t.cfg = cfg
			t.core.Configure(now, cfg)
			t.core.SetBFD(now, d.bfdState(cfg.BFDSession))
		}
		d.configureMembers(t)
	}
}

func (d *Device) configureMembers(t *trunk) {
	configured := func(id uint32) bool {
		return slices.ContainsFunc(t.cfg.Members, func(m etrunk.MemberConfig) bool { return m.ID == id })
	}
	maps.DeleteFunc(t.members, func(id uint32, _ *member) bool { return !configured(id) })
	for _, mc := range t.cfg.Members {
		id := Member{t.cfg.ID, mc.ID}
		leg := d.settings.Legs[id]
		if m := t.members[mc.ID]; m != nil {
			m.Withdrawn = false
		}
		switch m := t.members[mc.ID]; {
		case m == nil:
			t.members[mc.ID] = newMember(id, leg)
		case m.leg != leg:
			m.leg, m.Asked = leg, nil
		}
	}
}

func (d *Device) configureServices(now instant.Time) {
	for _, s := range d.services.list {
		name := s.name
		if _, wanted := d.settings.Services[name]; !wanted {
			off := s.cfg.Config
			off.Enabled = false
			s.core.Configure(now, off, &s.fx)
			d.applyChannel(now, s)
			d.services.remove(name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.settings.Services)) {
		cfg := d.settings.Services[name]
		s := d.services.get(name)
		if s == nil {
			s = d.newService(name)
			d.services.put(name, s)
		}
		if s.cfg != cfg {
			s.cfg = cfg
			d.enableService(now, s)
		}
	}
}

// enableService hands a service its configuration: on a detour, or switched off while the BFD
// session that it tracks is down.
func (d *Device) enableService(now instant.Time, s *service) {
	cfg := s.cfg.Config
	cfg.Detour = s.Detour
	cfg.Enabled = cfg.Enabled && (s.Detour.Peer.IsValid() || d.bfdState(s.cfg.BFDSession) != etrunk.BFDDown)
	s.core.Configure(now, cfg, &s.fx)
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

// assign hands every interface to the service that its profile names now. What
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
		s := d.serviceOf(ifc)
		ifc.service = s
		id := identity{d.settings.Profiles[ifc.cfg.Profile].BackupID, ifc.cfg.SubInterface}
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
	for _, s := range d.services.list {
		if changed[s] {
			s.core.Reset(now, &s.fx)
		}
	}
}
