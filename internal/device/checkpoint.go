package device

import (
	"net/netip"

	"tandem/internal/etrunk"
	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/proof"
	"tandem/internal/rbs"
)

// Checkpoint is what a device knows, as values: what a program must hand on to the
// one that takes its place, and where a recording begins. What the connections of
// the remote backup services are in the middle of is left out; they are made anew
// and the databases compared.
//
// Whatever an object of a device must know for longer than an event lasts stands in its Kept,
// which is copied whole.
type Checkpoint struct {
	ID, Boot   uint64
	At         instant.Time
	Kept       Kept
	Clock      rbs.ClockState
	Links      []LinkChanged
	Upstream   mld.ProxyMemory
	Interfaces []InterfaceCheckpoint // downstream, by name
	Trunks     []TrunkCheckpoint
	Services   []ServiceCheckpoint
	Orphans    OrphansKept
	Arrivals   ArrivalsCheckpoint
	Unknown    []ListenerCheckpoint // listeners that the peer may not know of
	Routes     []RouteCheckpoint
}

// InterfaceCheckpoint is a downstream interface.
type InterfaceCheckpoint struct {
	Name   string
	Kept   DownstreamKept
	Router mld.RouterMemory
}

// TrunkCheckpoint is an E-Trunk with its members.
type TrunkCheckpoint struct {
	ID      uint32
	Random  []byte // the state of the generator
	Session etrunk.Session
	Kept    TrunkKept
	Members []MemberCheckpoint
}

// MemberCheckpoint is a member.
type MemberCheckpoint struct {
	EthTrunk uint32
	Kept     MemberKept
}

// ServiceCheckpoint is a remote backup service.
type ServiceCheckpoint struct {
	Name string
	Kept ServiceKept
	Core rbs.ServiceMemory
	// Arriving is what is known of the streams behind its interfaces.
	Arriving proof.ArrivingMemory[SourceGroup]
}

// ListenerCheckpoint is a listener that the peer may not know of.
type ListenerCheckpoint struct {
	Key  rbs.Key
	Kept Waiting
}

// RouteCheckpoint is a forwarding entry.
type RouteCheckpoint struct {
	Source, Group netip.Addr
	Kept          RouteKept
}

// Checkpoint copies what the device knows.
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

// Records is the number of listener records.
func (d *Device) Records() int { return d.downstreams.records() }

func (t *trunk) checkpoint() TrunkCheckpoint {
	tc := TrunkCheckpoint{ID: t.cfg.ID, Session: t.core.Session(), Kept: t.TrunkKept}
	tc.Random, _ = t.random.MarshalBinary() // never fails
	for _, m := range sorted(t.members) {
		tc.Members = append(tc.Members, MemberCheckpoint{m.id.EthTrunk, m.MemberKept})
	}
	return tc
}
