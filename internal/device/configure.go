package device

import (
	"cmp"
	"maps"
	"net/netip"
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
	d.configureDownstreams(now)
	d.refreshAll(now)
	d.settle(now)
	return nil
}

func (d *Device) configureTrunks(now instant.Time) {
	for id := range d.trunks {
		if _, wanted := d.settings.ETrunks[id]; !wanted {
			delete(d.trunks, id)
		}
	}
	defer d.reorder()
	for id, cfg := range d.settings.ETrunks {
		t := d.trunks[id]
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
		switch m := t.members[mc.ID]; {
		case m == nil:
			t.members[mc.ID] = newMember(id, leg)
		case m.leg != leg:
			m.leg, m.Asked = leg, nil
		}
	}
}

func (d *Device) configureServices(now instant.Time) {
	defer d.reorder()
	for name, s := range d.services {
		if _, wanted := d.settings.Services[name]; !wanted {
			off := s.cfg.Config
			off.Enabled = false
			s.core.Configure(now, off, &s.fx)
			d.applyChannel(now, s)
			delete(d.services, name)
		}
	}
	for name, cfg := range d.settings.Services {
		s := d.services[name]
		if s == nil {
			s = d.newService(name)
			d.services[name] = s
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
	if u := d.upstream; u.exists() && u.name == name && u.netdev == cfg.Netdev {
		u.core.SetConfig(now, cfg.MLD)
		return
	}
	d.leaveUpstream(now)
	for sg := range d.routes.all() { // their incoming interface has gone
		d.dropRoute(now, sg)
	}
	if name == "" {
		return
	}
	d.upstream.open(now, name, cfg, memory)
	d.regroupAll(now)
	if memory != nil {
		for _, m := range memory.Groups { // some may be wanted no more
			d.regroup(now, m.Group)
		}
	}
}

// leaveUpstream gives the upstream interface up. The routers there are told
// once; should that be lost, they find out by asking.
func (d *Device) leaveUpstream(now instant.Time) {
	if !d.upstream.exists() {
		return
	}
	for _, ifc := range d.downstreams {
		for group := range ifc.router.Groups() {
			d.upstream.want(now, group, mld.Filter{})
		}
	}
	d.upstream.advance(now)
	d.upstream.close()
}

func (d *Device) configureDownstreams(now instant.Time) {
	for name, ifc := range maps.Clone(d.downstreams) {
		cfg, wanted := d.settings.Interfaces[name]
		if !wanted || cfg.Upstream || cfg.Netdev != ifc.netdev {
			d.removeDownstream(now, ifc)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.settings.Interfaces)) {
		cfg := d.settings.Interfaces[name]
		if cfg.Upstream {
			continue
		}
		ifc := d.downstreams[name]
		if ifc == nil {
			d.numbered++
			ifc = newDownstream(now, d.ground, d, name, cfg, d.numbered)
			d.downstreams[name] = ifc
			d.reorder()
			ifc.setLink(now, d.links[cfg.Netdev])
			for group := range ifc.router.Groups() { // the static ones
				d.regroup(now, group)
			}
			continue
		}
		changed := !ifc.cfg.MLD.Equal(cfg.MLD)
		ifc.cfg = cfg
		if changed {
			ifc.router.SetConfig(now, cfg.MLD)
		}
	}
	d.assign(now)
}

// assign hands every interface to the service that its profile names now. What
// came to a service, left it or got another name there is exchanged anew: the
// peer may have refused those records before.
func (d *Device) assign(now instant.Time) {
	changed := make(map[*service]bool)
	had := make(map[*downstream]*service)
	for _, s := range d.order.services {
		for _, ifc := range s.interfaces {
			had[ifc] = s
		}
		s.dropIndex()
		s.interfaces = nil
	}
	for _, ifc := range d.order.downstreams {
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
	for _, s := range d.order.services {
		if changed[s] {
			s.core.Reset(now, &s.fx)
		}
	}
}

// removeDownstream forgets an interface and whatever was forwarded to it.
func (d *Device) removeDownstream(now instant.Time, ifc *downstream) {
	delete(d.downstreams, ifc.name)
	d.orphans.waiting -= len(ifc.awaited.list)
	ifc.awaited = awaited{}
	d.reorder()
	for group := range ifc.router.Groups() {
		d.regroup(now, group)
	}
}

// order lists what the maps hold in the order of their keys, so that a replay
// does everything in the same order.
type order struct {
	downstreams []*downstream
	trunks      []*trunk
	services    []*service
}

func (d *Device) reorder() {
	d.order = order{sorted(d.downstreams), sorted(d.trunks), sorted(d.services)}
}

func sorted[K cmp.Ordered, V any](m map[K]V) []V {
	list := make([]V, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		list = append(list, m[k])
	}
	return list
}

// regroupAll computes membership and forwarding of every group anew.
func (d *Device) regroupAll(now instant.Time) {
	seen := make(map[netip.Addr]bool)
	for _, ifc := range d.order.downstreams {
		for group := range ifc.router.Groups() {
			if !seen[group] {
				seen[group] = true
				d.regroup(now, group)
			}
		}
	}
}
