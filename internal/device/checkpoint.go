package device

import (
	"maps"
	"net/netip"

	"tandem/internal/etrunk"
	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/rbs"
)

// Checkpoint is what a device knows, as values: what a program must hand on to the
// one that takes its place, and where a recording begins. What the connections of
// the remote backup services are in the middle of is left out; they are made anew
// and the databases compared.
type Checkpoint struct {
	ID, Boot    uint64
	At, Started instant.Time
	Clock       rbs.ClockState
	Links       []LinkChanged
	Sessions    map[string]etrunk.BFDState
	Upstream    mld.ProxyMemory
	Interfaces  []InterfaceCheckpoint // downstream, by name
	Trunks      []TrunkCheckpoint
	Services    []ServiceCheckpoint
	Orphans     []OrphanCheckpoint
	Routes      []RouteCheckpoint
}

// InterfaceCheckpoint is a downstream interface.
type InterfaceCheckpoint struct {
	Name   string
	Router mld.RouterMemory
}

// TrunkCheckpoint is an E-Trunk with its members.
type TrunkCheckpoint struct {
	ID      uint32
	Random  []byte // the state of the generator
	Session etrunk.Session
	Heard   instant.Time
	Members []MemberCheckpoint
}

// MemberCheckpoint is what is remembered of a member.
type MemberCheckpoint struct {
	EthTrunk            uint32
	Asked               *LegChange
	Yielded, Fit, Aside bool
	FitAt, ServedAt     instant.Time
	Rival               uint8
	RivalAt, PartBy     instant.Time
	Covers              etrunk.Buckets
	Duty                Duty
}

// ServiceCheckpoint is what is remembered of a remote backup service.
type ServiceCheckpoint struct {
	Name                       string
	InSync, SyncedOnce, EverUp bool
	LostAt, UpAt               instant.Time
	Peer                       rbs.Hello // with which it was connected last
}

// OrphanCheckpoint is a listener that the peer may not know of.
type OrphanCheckpoint struct {
	Key     rbs.Key
	Version rbs.Version
	Since   instant.Time
	Overdue bool
}

// RouteCheckpoint is a forwarding entry.
type RouteCheckpoint struct {
	Source, Group netip.Addr
	Origin        RouteOrigin
	Since         instant.Time
}

// Checkpoint copies what the device knows.
func (d *Device) Checkpoint(now instant.Time) Checkpoint {
	cp := Checkpoint{
		ID: d.id, Boot: d.boot, At: now, Started: d.started, Clock: d.clock.State(),
		Links: sorted(d.links), Sessions: maps.Clone(d.sessions),
	}
	if d.upstream != nil {
		cp.Upstream = d.upstream.proxy.Memory()
	}
	for _, ifc := range d.order.downstreams {
		cp.Interfaces = append(cp.Interfaces, InterfaceCheckpoint{ifc.name, ifc.router.Memory()})
	}
	for _, t := range d.order.trunks {
		cp.Trunks = append(cp.Trunks, t.checkpoint())
	}
	for _, s := range d.order.services {
		cp.Services = append(cp.Services, ServiceCheckpoint{s.name, s.inSync, s.syncedOnce, s.everUp, s.lostAt, s.upAt, s.core.Peer()})
	}
	for _, ifc := range d.order.downstreams {
		for _, w := range ifc.awaited.list {
			if rec, ok := ifc.router.At(w.record); ok {
				cp.Orphans = append(cp.Orphans, OrphanCheckpoint{d.replicaKey(ifc, rec.Key), w.version, w.since, w.overdue})
			}
		}
	}
	for sg, r := range d.routes.all() {
		cp.Routes = append(cp.Routes, RouteCheckpoint{sg.Source, sg.Group, r.origin, r.since})
	}
	return cp
}

// Records is the number of listener records.
func (d *Device) Records() (n int) {
	for _, ifc := range d.order.downstreams {
		n += ifc.router.Hosts()
	}
	return n
}

func (t *trunk) checkpoint() TrunkCheckpoint {
	tc := TrunkCheckpoint{ID: t.cfg.ID, Session: t.core.Session(), Heard: t.heard}
	tc.Random, _ = t.random.MarshalBinary() // never fails
	for _, m := range sorted(t.members) {
		tc.Members = append(tc.Members, MemberCheckpoint{
			EthTrunk: m.id.EthTrunk, Asked: m.asked, Yielded: m.yielded, Fit: m.fit, Aside: m.aside,
			FitAt: m.fitAt, ServedAt: m.servedAt,
			Rival: uint8(m.rival), RivalAt: m.rivalAt, PartBy: m.partBy, Covers: m.covers, Duty: m.duty,
		})
	}
	return tc
}
