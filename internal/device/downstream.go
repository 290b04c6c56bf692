package device

import (
	"net/netip"

	"tandem/internal/etrunk"
	"tandem/internal/event"
	"tandem/internal/instant"
	"tandem/internal/mld"
)

// downstream is an interface towards hosts.
type downstream struct {
	*ground
	name   string
	netdev string
	cfg    InterfaceSettings
	link   LinkChanged
	router *router
	DownstreamKept
	ledger  *ledger  // nil without a profile
	member  *member  // that shares it, nil when none does
	service *service // that replicates it, nil when none does
	hearing hearing
	awaited awaited // of which the peer is yet to know
	number  uint32  // of this device, given once, from 1 on
}

// DownstreamKept is what a device knows of an interface beside its router.
type DownstreamKept struct {
	// Refused joins that have been told of, and when that was last.
	Refused   uint64
	RefusedAt instant.Time
}

// followers are told what follows from the records of an interface.
type followers interface {
	// regroup says that the listeners may want something else of a group.
	regroup(now instant.Time, group netip.Addr)
	// replicate says that this device has changed records.
	replicate(now instant.Time, ifc *downstream, changed []mld.Key)
	// discarded says that an interface is no more.
	discarded(ifc *downstream)
	// expect says that hosts have come to want more, of which the peer may not know.
	expect(now instant.Time, ifc *downstream, joined []mld.Joined)
}

// router is the MLD router of an interface. Its methods take the place of those of
// [mld.Router] that have effects, and apply the effects themselves. Only Merge leaves
// them to EndMerge.
type router struct {
	*mld.Router
	ifc       *downstream
	followers followers
	fx        mld.Effects // being collected
}

// Advance stands for [mld.Router.Advance].
func (r *router) Advance(now instant.Time) {
	r.Router.Advance(now, r.ifc.version(now), &r.fx)
	r.apply(now)
}

// Receive stands for [mld.Router.Receive]. The router counts what it drops, by cause.
func (r *router) Receive(now instant.Time, meta mld.Meta, p *mld.Packet) {
	_ = r.Router.Receive(now, r.ifc.version(now), meta, p, &r.fx)
	r.apply(now)
}

// SetLink stands for [mld.Router.SetLink].
func (r *router) SetLink(now instant.Time, link LinkChanged) {
	r.Router.SetLink(now, link.LinkLocal, link.Up, &r.fx)
	r.apply(now)
}

// SetConfig stands for [mld.Router.SetConfig].
func (r *router) SetConfig(now instant.Time, cfg mld.Config) {
	r.Router.SetConfig(now, cfg, &r.fx)
	r.apply(now)
}

// SetQuerierDuty stands for [mld.Router.SetQuerierDuty].
func (r *router) SetQuerierDuty(now instant.Time, on bool) {
	r.Router.SetQuerierDuty(now, on, &r.fx)
	r.apply(now)
}

// RestartQueries stands for [mld.Router.RestartQueries].
func (r *router) RestartQueries(now instant.Time) {
	r.Router.RestartQueries(now, &r.fx)
	r.apply(now)
}

// SetPartitioned stands for [mld.Router.SetPartitioned].
func (r *router) SetPartitioned(now instant.Time, on bool) {
	r.Router.SetPartitioned(now, r.ifc.version(now), on, &r.fx)
	r.apply(now)
}

// RetainPeer stands for [mld.Router.RetainPeer].
func (r *router) RetainPeer(now instant.Time, on bool) {
	r.Router.RetainPeer(now, r.ifc.version(now), on, &r.fx)
	r.apply(now)
}

// Merge stands for [mld.Router.Merge]. After the last of several records comes EndMerge.
func (r *router) Merge(now instant.Time, rec mld.Record) mld.Merged {
	return r.Router.Merge(now, rec, &r.fx)
}

// EndMerge applies what the merged records have brought about.
func (r *router) EndMerge(now instant.Time) { r.apply(now) }

// apply does what the router has asked for.
func (r *router) apply(now instant.Time) {
	ifc := r.ifc
	for i := range r.fx.Queries {
		if q := &r.fx.Queries[i]; q.General() {
			ifc.hearing.ask(now, q.MaxResponse)
		}
		ifc.fx.MLD = append(ifc.fx.MLD, SendMLD{
			Netdev:      ifc.netdev,
			Destination: r.fx.Queries[i].Destination(),
			Payload:     mld.AppendQuery(nil, r.fx.Queries[i]),
			RouterAlert: ifc.cfg.MLD.SendRouterAlert,
		})
	}
	for _, group := range r.fx.Groups {
		r.followers.regroup(now, group)
	}
	for _, o := range r.fx.OtherVersion {
		ifc.tell(event.MLDVersionMismatch.With(ifc.name, o.From, o.Version, ifc.cfg.MLD.Version))
	}
	if len(r.fx.Changed) > 0 {
		r.followers.replicate(now, ifc, r.fx.Changed)
	}
	if len(r.fx.Joined) > 0 {
		r.followers.expect(now, ifc, r.fx.Joined)
	}
	r.fx.Reset()
}

// newDownstream makes an interface without a link.
func newDownstream(now instant.Time, g *ground, f followers, name string, cfg InterfaceSettings, number uint32) *downstream {
	ifc := &downstream{ground: g, name: name, netdev: cfg.Netdev, cfg: cfg, number: number}
	ifc.router = &router{Router: mld.NewRouter(cfg.MLD, g.id, now), ifc: ifc, followers: f}
	return ifc
}

// setLink takes the state of the interface's link.
func (i *downstream) setLink(now instant.Time, link LinkChanged) {
	i.link = link
	i.router.SetLink(now, link)
}

// duty returns the duty on the interface: its member's, or everything for an interface
// that no profile shares.
func (i *downstream) duty() Duty {
	if i.member != nil {
		return i.member.Duty
	}
	return Duty{Kind: DutySole, Covers: etrunk.AllBuckets, Querier: true, Reason: "not shared"}
}
