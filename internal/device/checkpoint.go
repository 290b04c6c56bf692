package device

import (
	"net/netip"

	"tandem/internal/etrunk"
	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/proof"
	"tandem/internal/rbs"
)

// Checkpoint is the state of a device, as values. A program hands it on to its successor,
// and a recording begins with it. It does not hold the state of the replication
// connections: these are made again, and the databases are compared.
//
// The state of each object that outlives an event is in its Kept, which the checkpoint
// copies whole.
type Checkpoint struct {
	ID, Boot   uint64
	At         instant.Time
	Kept       Kept
	Clock      rbs.ClockState
	Links      []LinkChanged
	Upstream   mld.ProxyMemory
	Interfaces []InterfaceCheckpoint // the downstream interfaces, by name
	Trunks     []TrunkCheckpoint
	Services   []ServiceCheckpoint
	Orphans    OrphansKept
	Arrivals   ArrivalsCheckpoint
	Unknown    []ListenerCheckpoint // listeners that the peer has not acknowledged
	Routes     []RouteCheckpoint
}

// InterfaceCheckpoint is the state of a downstream interface.
type InterfaceCheckpoint struct {
	Name   string
	Kept   DownstreamKept
	Router mld.RouterMemory
}

// TrunkCheckpoint is the state of an E-Trunk and its members.
type TrunkCheckpoint struct {
	ID      uint32
	Random  []byte // the state of the random generator
	Session etrunk.Session
	Kept    TrunkKept
	Members []MemberCheckpoint
}

// MemberCheckpoint is the state of a member.
type MemberCheckpoint struct {
	EthTrunk uint32
	Kept     MemberKept
}

// ServiceCheckpoint is the state of a remote backup service.
type ServiceCheckpoint struct {
	Name string
	Kept ServiceKept
	Core rbs.ServiceMemory
	// Arriving is the state of the streams behind the service's interfaces.
	Arriving proof.ArrivingMemory[SourceGroup]
}

// ListenerCheckpoint is a listener that the peer has not acknowledged.
type ListenerCheckpoint struct {
	Key  rbs.Key
	Kept Waiting
}

// RouteCheckpoint is the state of a forwarding entry.
type RouteCheckpoint struct {
	Source, Group netip.Addr
	Kept          RouteKept
}

// Checkpoint returns a copy of the device's state.
func (d *Device) Checkpoint(now instant.Time) Checkpoint {
	cp := Checkpoint{
		ID: d.id, Boot: d.boot, At: now, Kept: d.kept.clone(), Clock: d.clock.State(),
		Links: sorted(d.links), Orphans: d.exceptions.OrphansKept.clone(), Upstream: d.proxy.memory(),
		Arrivals: d.arrivals.checkpoint(),
	}
	for _, ifc := range d.downstreams.list {
		cp.Interfaces = append(cp.Interfaces, InterfaceCheckpoint{ifc.name, ifc.DownstreamKept, ifc.router.Memory()})
	}
	for _, t := range d.trunks.list {
		cp.Trunks = append(cp.Trunks, t.checkpoint())
	}
	for _, s := range d.services.list {
		cp.Services = append(cp.Services, ServiceCheckpoint{s.name, s.ServiceKept, s.core.Memory(now), s.arriving.Memory()})
	}
	for _, ifc := range d.downstreams.list {
		for _, w := range ifc.awaited.list {
			if rec, ok := ifc.router.At(now, w.Record); ok {
				cp.Unknown = append(cp.Unknown, ListenerCheckpoint{ifc.ledger.key(rec.Key), w})
			}
		}
	}
	for sg, r := range d.routes.table.all() {
		cp.Routes = append(cp.Routes, RouteCheckpoint{sg.Source, sg.Group, r.RouteKept})
	}
	return cp
}

// Records returns the number of listener records.
func (d *Device) Records() int { return d.downstreams.records() }

func (t *trunk) checkpoint() TrunkCheckpoint {
	tc := TrunkCheckpoint{ID: t.cfg.ID, Session: t.core.Session(), Kept: t.TrunkKept}
	tc.Random, _ = t.random.MarshalBinary() // MarshalBinary of this generator never fails
	for _, m := range sorted(t.members) {
		tc.Members = append(tc.Members, MemberCheckpoint{m.id.EthTrunk, m.MemberKept})
	}
	return tc
}
