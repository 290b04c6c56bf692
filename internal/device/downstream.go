package device

import (
	"net/netip"

	"tandem/internal/etrunk"
	"tandem/internal/event"
	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/proof"
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
	ledger  *ledger  // nil without a remote backup profile
	member  *member  // the member that shares the interface, nil if none does
	service *service // the service that replicates the interface, nil if none does
	hearing hearing
	awaited awaited // the listeners that the peer has not acknowledged yet
	number  uint32  // the number of the interface on this device, never used again, from 1
}

// DownstreamKept is the state of an interface without its router.
type DownstreamKept struct {
	// How many refused joins the log has reported, and when it last did.
	Refused   uint64
	RefusedAt instant.Time
	Ability   proof.Standing // whether the interface can do its work
}

// followers receives what changes in the records of an interface.
type followers interface {
	// regroup says that the listeners' wishes for a group may have changed.
	regroup(now instant.Time, group netip.Addr)
	// replicate says that this device has changed records, so that the peer must get
	// them.
	replicate(now instant.Time, ifc *downstream, changed []mld.Key)
	// discarded says that an interface has been removed.
	discarded(ifc *downstream)
	// expect says that hosts want more than before, and that the peer may not know it
	// yet.
	expect(now instant.Time, ifc *downstream, joined []mld.Joined)
}

// router is the MLD router of an interface. Its methods replace those of [mld.Router]
// that have effects, and apply the effects themselves. Only Merge leaves its effects to
// EndMerge.
type router struct {
	*mld.Router
	ifc       *downstream
	followers followers
	fx        mld.Effects // the effects of the present call
}

// Advance calls [mld.Router.Advance] and applies the effects.
func (r *router) Advance(now instant.Time) {
	r.Router.Advance(now, r.ifc.version(now), &r.fx)
	r.apply(now)
}

// Receive calls [mld.Router.Receive] and applies the effects. The router counts the
// messages that it drops, by cause.
func (r *router) Receive(now instant.Time, meta mld.Meta, p *mld.Packet) {
	_ = r.Router.Receive(now, r.ifc.version(now), meta, p, &r.fx)
	r.apply(now)
}

// SetLink calls [mld.Router.SetLink] and applies the effects.
func (r *router) SetLink(now instant.Time, link LinkChanged) {
	r.Router.SetLink(now, link.LinkLocal, link.Up, &r.fx)
	r.apply(now)
}

// SetConfig calls [mld.Router.SetConfig] and applies the effects.
func (r *router) SetConfig(now instant.Time, cfg mld.Config) {
	r.Router.SetConfig(now, cfg, &r.fx)
	r.apply(now)
}

// ResetGroup is [mld.Router.ResetGroup] with the effects applied to the device.
func (r *router) ResetGroup(now instant.Time, group netip.Addr) {
	r.Router.ResetGroup(now, r.ifc.version(now), group, &r.fx)
	r.apply(now)
}

// SetQuerierDuty calls [mld.Router.SetQuerierDuty] and applies the effects.
func (r *router) SetQuerierDuty(now instant.Time, on bool) {
	r.Router.SetQuerierDuty(now, on, &r.fx)
	r.apply(now)
}

// RestartQueries calls [mld.Router.RestartQueries] and applies the effects.
func (r *router) RestartQueries(now instant.Time) {
	r.Router.RestartQueries(now, &r.fx)
	r.apply(now)
}

// SetPartitioned calls [mld.Router.SetPartitioned] and applies the effects.
func (r *router) SetPartitioned(now instant.Time, on bool) {
	r.Router.SetPartitioned(now, r.ifc.version(now), on, &r.fx)
	r.apply(now)
}

// RetainPeer calls [mld.Router.RetainPeer] and applies the effects.
func (r *router) RetainPeer(now instant.Time, on bool) {
	r.Router.RetainPeer(now, r.ifc.version(now), on, &r.fx)
	r.apply(now)
}

// Merge calls [mld.Router.Merge]. The caller calls EndMerge after the last of several
// records.
func (r *router) Merge(now instant.Time, rec mld.Record) mld.Merged {
	return r.Router.Merge(now, rec, &r.fx)
}

// EndMerge applies the effects of the merged records.
func (r *router) EndMerge(now instant.Time) { r.apply(now) }

// apply carries out the effects of the router.
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

// newDownstream returns an interface whose link is down.
func newDownstream(now instant.Time, g *ground, f followers, name string, cfg InterfaceSettings, number uint32) *downstream {
	ifc := &downstream{ground: g, name: name, netdev: cfg.Netdev, cfg: cfg, number: number}
	ifc.router = &router{Router: mld.NewRouter(cfg.MLD, g.id, now), ifc: ifc, followers: f}
	return ifc
}

// setLink passes the state of the interface's link to the router.
func (i *downstream) setLink(now instant.Time, link LinkChanged) {
	i.link = link
	i.router.SetLink(now, link)
}

// duty returns the duty on the interface: that of its member, or the duty to send
// everything if no member shares the interface.
func (i *downstream) duty() Duty {
	if i.member != nil {
		return i.member.Duty
	}
	return Duty{Kind: DutySole, Covers: etrunk.AllBuckets, Querier: true, Reason: "not shared"}
}
