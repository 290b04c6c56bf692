package device

import (
	"cmp"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"time"

	"tandem/internal/etrunk"
	"tandem/internal/instant"
	"tandem/internal/mld"
)

// Snapshot returns a copy of what the displays show. wall is the wall clock's reading at
// now.
func (d *Device) Snapshot(now instant.Time, wall time.Time) Snapshot {
	s := Snapshot{At: wall, Now: now, DeviceID: d.id, Uptime: now.Sub(d.kept.Started), Counters: d.kept.Counters,
		Entries: d.routes.table.routes.Len(), Silent: d.kept.Counters.StreamsSilent}
	if u := d.proxy; u.exists() {
		s.Interfaces = append(s.Interfaces, InterfaceSnapshot{
			Name: u.name, Netdev: u.link.Netdev, Up: u.link.Up, Lacks: u.link.Lacks, Ability: d.kept.Upstream, Upstream: true,
			MLD: mld.InterfaceState{Up: u.link.Up, LinkLocal: u.link.LinkLocal, Counters: u.counters()},
		})
	}
	for _, ifc := range d.downstreams.list {
		s.Interfaces = append(s.Interfaces, InterfaceSnapshot{
			Name: ifc.name, Netdev: ifc.link.Netdev, Up: ifc.link.Up, Lacks: ifc.link.Lacks, Profile: ifc.cfg.Profile,
			MLD: ifc.router.State(now), Duty: ifc.duty(), Deaf: ifc.hearing.Deaf(), DeafSince: ifc.hearing.deafSince(), Ability: ifc.Ability,
		})
	}
	slices.SortFunc(s.Interfaces, func(a, b InterfaceSnapshot) int { return cmp.Compare(a.Name, b.Name) })
	for _, t := range d.trunks.list {
		state := t.core.State(now)
		s.ETrunks, s.Sessions = append(s.ETrunks, state), append(s.Sessions, t.BFD)
		for _, ms := range state.Members {
			if m := t.members[ms.ID]; m != nil {
				s.Members = append(s.Members, m.snapshot())
			}
		}
	}
	s.Proofs = d.proofs(now)
	for _, service := range d.services.list {
		state := service.core.State(now, wall)
		state.PinnedBy = service.Pin.ETrunk
		s.Services = append(s.Services, state)
		s.Streams = append(s.Streams, d.arrivals.snapshot(service))
	}
	for _, name := range slices.Sorted(maps.Keys(d.settings.Profiles)) {
		s.Profiles = append(s.Profiles, d.profile(name))
	}
	return s
}

func (d *Device) profile(name string) ProfileSnapshot {
	p := d.settings.Profiles[name]
	s := ProfileSnapshot{
		Name: name, Service: p.Service, BackupID: p.BackupID,
		ETrunk: p.Member.ETrunk, EthTrunk: p.Member.EthTrunk, MLD: p.MLD, Hot: p.Hot,
	}
	for _, ifc := range d.downstreams.list {
		if ifc.cfg.Profile != name {
			continue
		}
		s.Interfaces = append(s.Interfaces, ifc.name)
		if m := ifc.member; m != nil {
			ms := m.snapshot()
			s.Ready, s.NotReady = ms.Ready, ms.NotReady
		}
		s.Records += ifc.ledger.live
		s.Tombstones += ifc.ledger.kept - ifc.ledger.live
		s.Digest ^= ifc.ledger.total
	}
	return s
}

func (m *member) snapshot() MemberSnapshot {
	return MemberSnapshot{Member: m.id, Duty: m.Duty, Ready: m.Lacking == "" && m.Fit, NotReady: m.Lacking,
		Readiness: m.Readiness, PeerReadiness: m.PeerReadiness}
}

// Groups lists the groups of one downstream interface, by address; nil if there is no
// such interface.
func (d *Device) Groups(now instant.Time, name string) []mld.GroupState {
	ifc := d.downstreams.get(name)
	if ifc == nil {
		return nil
	}
	var groups []mld.GroupState
	for group := range ifc.router.Groups() {
		if state, ok := ifc.router.GroupState(now, group); ok {
			groups = append(groups, state)
		}
	}
	slices.SortFunc(groups, func(a, b mld.GroupState) int { return a.Group.Compare(b.Group) })
	return groups
}

// Routes lists the forwarding entries by group, then source.
func (d *Device) Routes(now instant.Time) []RouteSnapshot {
	routes := make([]RouteSnapshot, 0, d.routes.table.routes.Len())
	names := d.configuredNames()
	for sg, r := range d.routes.table.all() {
		routes = append(routes, d.routeSnapshot(now, sg, r, names))
	}
	slices.SortFunc(routes, func(a, b RouteSnapshot) int {
		return compareSG(SourceGroup{a.Source, a.Group}, SourceGroup{b.Source, b.Group})
	})
	return routes
}

// GroupRoutes lists the forwarding entries of one group by source.
func (d *Device) GroupRoutes(now instant.Time, group netip.Addr) (routes []RouteSnapshot) {
	names := d.configuredNames()
	for source, r := range d.routes.table.of(group) {
		routes = append(routes, d.routeSnapshot(now, SourceGroup{source, group}, r, names))
	}
	slices.SortFunc(routes, func(a, b RouteSnapshot) int { return a.Source.Compare(b.Source) })
	return routes
}

func (d *Device) routeSnapshot(now instant.Time, sg SourceGroup, r *route, names map[string]string) RouteSnapshot {
	s := RouteSnapshot{
		Source: sg.Source, Group: sg.Group, Uptime: now.Sub(r.Since), Origin: r.Origin, Orphan: d.exceptions.has(sg), Upstream: names[r.path.incoming],
		Arrival: d.arrivals.arrival(now, sg),
	}
	for _, netdev := range r.path.outgoing {
		s.Outgoing = append(s.Outgoing, names[netdev])
	}
	return s
}

// EachGroup lists the groups of one downstream interface in no order.
func (d *Device) EachGroup(name string) iter.Seq[netip.Addr] {
	ifc := d.downstreams.get(name)
	if ifc == nil {
		return func(func(netip.Addr) bool) {}
	}
	return ifc.router.Groups()
}

// Group returns one group of a downstream interface, false if no host wants it and it is
// not static.
func (d *Device) Group(now instant.Time, name string, group netip.Addr) (mld.GroupState, bool) {
	ifc := d.downstreams.get(name)
	if ifc == nil {
		return mld.GroupState{}, false
	}
	return ifc.router.GroupState(now, group)
}

// Listens reports whether a host wants a group on a downstream interface.
func (d *Device) Listens(now instant.Time, name string, group, host netip.Addr) bool {
	ifc := d.downstreams.get(name)
	if ifc == nil {
		return false
	}
	rec, ok := ifc.router.Get(now, mld.Key{Group: group, Host: host})
	return ok && !rec.Deleted
}

func (d *Device) configuredNames() map[string]string {
	names := map[string]string{d.proxy.netdev: d.proxy.name}
	for _, ifc := range d.downstreams.list {
		names[ifc.netdev] = ifc.name
	}
	return names
}

// Sends reports whether this device sends (source, group) on a member now.
func (d *Device) Sends(id Member, source, group netip.Addr) (bool, Duty) {
	t := d.trunks.get(id.ETrunk)
	if t == nil || t.members[id.EthTrunk] == nil {
		return false, Duty{}
	}
	duty := t.members[id.EthTrunk].Duty
	sg := SourceGroup{source, group}
	return duty.Covers&(1<<etrunk.BucketOf(source, group)) != 0 || d.exceptions.has(sg) || d.arrivals.standsIn(sg), duty
}
