package mld

import (
	"net/netip"

	"tandem/internal/instant"
)

// Last listener queries (RFC 9777, section 7.6.3). When the last listener leaves a group
// or a source, the stream goes on for the last listener query time (LLQT, section 9.10),
// and the querier asks whether others listen. This is a pending leave. It has two parts:
// the leave record, which is the record of host ::, and the schedule of the queries
// (pendingLeave). The leave record is replicated. So the peer sends the stream for the
// same time, and goes on with the queries if this router dies.
//
// A group without named sources has one pending leave, and each source that was left has
// one of its own. All of them share the leave record. The states of one are
//
//	none      nobody has left; there is no leave record
//	asking    queries are still to be sent
//	waiting   all queries have been sent; answers may still come
//	restart   it has to begin again at the next Advance
//
//	       leave, or leave of the peer           last query sent
//	none ─────────────────────────────▶ asking ──────────────────▶ waiting
//	  ▲                                  │  ▲ ▲                      │  │
//	  │            LLQT over             │  │ │        leave         │  │
//	  ├──────────────────────────────────┘  │ └──────────────────────┘  │
//	  │            LLQT over                │ Advance                   │
//	  └─────────────────────────────────────┼───────────────────────────┘
//	                                     restart
//
//	state            event                                what happens                          next
//	none             a host drops what no other           leave record for LLQT;                asking
//	                 listener wants                       first query (7.6.3)
//	none             the same, and prompt leave           nothing: the stream ends at once      none
//	                 applies to it
//	none             MLDv1 Done; who else listens is      the same, and the MLDv1 records       asking
//	                 unknown (RFC 2710, section 4)        of the group are lowered to LLQT
//	none             the peer's leave record; querier     first query; LLQT ends when the       asking
//	                                                      peer's record does
//	none             the peer's leave record;             an IS_IN may now name only some       none
//	                 not querier                          sources (6.3)
//	asking, waiting  a host drops it again                leave record for LLQT; first query    asking
//	asking, waiting  the peer's leave record, if it ends  first query: a host that answered     asking
//	                 later by half a last listener query  may have left at the peer since
//	                 interval (9.8)
//	asking           a query is due; querier              the query, with the S flag if a       asking or
//	                                                      listener with more than LLQT left     waiting
//	                                                      is known (7.6.3.1, 7.6.3.2)
//	asking           a query is due; not querier          it counts as sent; the other router   asking or
//	                                                      sends it                              waiting
//	not none         a host reports that it listens       its own record keeps the stream       the same
//	                                                      after LLQT (7.4)
//	not none         the router becomes the querier, or   first query, if LLQT is long enough   asking
//	                 the querier merges the peer's leave  for one answer to be lost;
//	                 record while partitioned             otherwise the leave begins again      restart
//	restart          Advance; querier                     leave record for LLQT, MLDv1 records  asking
//	                                                      lowered to LLQT; first query
//	restart          Advance; not querier                 nothing                               as before
//	not none         LLQT is over                         the leave record ends, or loses the   none
//	                                                      source

// isLeaveRecord reports whether a record is that of host ::, which holds a pending leave.
func (r *Router) isLeaveRecord(rec *record) bool {
	return r.store.hosts.At(rec.host).addr.IsUnspecified()
}

// beginLeave begins the pending leave of the sources in lost, which no listener wants any
// more. fl is isV1 when an MLDv1 Done is the cause.
func (r *Router) beginLeave(now instant.Time, v Version, gid uint32, lost Filter, fl flags, fx *Effects) {
	g := r.store.groups.At(gid)
	key := Key{g.addr, netip.IPv6Unspecified()}
	until := now.Add(r.inUse.LastListenerQueryTime())
	id := g.leaveRecord
	if id != 0 {
		rec := r.store.records.At(id)
		fl |= rec.flags & isV1
		// From now on the leave record is written by this device. The sources that the
		// peer wrote into it keep their end.
		r.startQueries(now, gid, r.store.filter(id), rec.expires, false, fx)
	} else {
		id = r.store.create(now, key, until)
	}
	whole := r.store.filter(id).Union(lost)
	changed := r.store.set(now, id, content{Filter: whole, flags: fl, clock: v.Clock, heard: now, expires: until})
	fx.Changed = append(fx.Changed, key)
	if changed {
		fx.Groups = append(fx.Groups, key.Group)
	}
	r.startQueries(now, gid, lost, until, true, fx)
}

// takeOverLeave sends the queries of a pending leave that another router began. If its
// remaining time is too short, the leave begins again at the next Advance.
func (r *Router) takeOverLeave(now instant.Time, gid uint32, fx *Effects) {
	if g := r.store.groups.At(gid); !r.lacksTime(now, g) {
		r.startQueries(now, gid, r.store.filter(g.leaveRecord), r.store.records.At(g.leaveRecord).expires, true, fx)
		return
	}
	r.deferRestart(now, gid)
}

// lacksTime reports whether a pending leave would end before a second query could be
// answered, if the answer to the first is lost.
func (r *Router) lacksTime(now instant.Time, g *group) bool {
	return r.store.records.At(g.leaveRecord).expires.Sub(now) <= r.inUse.LastListenerQueryTime()-r.inUse.LastListenerInterval/10
}

// deferRestart makes a pending leave begin again at the next Advance (state restart).
func (r *Router) deferRestart(now instant.Time, gid uint32) {
	g := r.store.groups.At(gid)
	if g.leave == nil {
		g.leave = &pendingLeave{}
	}
	g.leave.Restart = true
	r.scheduleLeave(now, gid)
}

// restartLeave begins a pending leave again, as if the host had left now.
func (r *Router) restartLeave(now instant.Time, v Version, gid uint32, fx *Effects) {
	g := r.store.groups.At(gid)
	g.leave.Restart = false
	if g.leaveRecord == 0 || !r.store.records.At(g.leaveRecord).live() || !r.IsQuerier() {
		r.scheduleLeave(now, gid)
		return
	}
	until, f, fl := now.Add(r.inUse.LastListenerQueryTime()), r.store.filter(g.leaveRecord), r.store.records.At(g.leaveRecord).flags&isV1
	if fl != 0 {
		r.lowerV1Expiry(now, gid, v, until)
	}
	r.store.set(now, g.leaveRecord, content{Filter: f, flags: fl, clock: v.Clock, heard: now, expires: until})
	fx.Changed = append(fx.Changed, Key{g.addr, netip.IPv6Unspecified()})
	r.startQueries(now, gid, f, until, true, fx)
}

// trimLeaveRecord removes from the leave record the sources whose last listener query
// time is over, if this device wrote the record. When that time is over for all sources,
// the record expires by itself.
func (r *Router) trimLeaveRecord(now instant.Time, v Version, gid uint32, fx *Effects) {
	g := r.store.groups.At(gid)
	if g.leaveRecord == 0 || g.leave == nil {
		return
	}
	rec := r.store.records.At(g.leaveRecord)
	if rec.device != 0 || rec.expires <= now || !rec.live() {
		return
	}
	rest := Filter{Mode: Include}
	for _, s := range g.leave.Sources {
		rest.Sources = append(rest.Sources, s.Source)
	}
	if g.leave.Group.active(now) {
		rest = r.store.filter(g.leaveRecord)
	}
	c := content{Filter: rest, flags: rec.flags & isV1, clock: v.Clock, heard: rec.heard, expires: rec.expires}
	if rest.Equal(r.store.filter(g.leaveRecord)) {
		return
	}
	if r.store.set(now, g.leaveRecord, c) {
		fx.Groups = append(fx.Groups, g.addr)
	}
	fx.Changed = append(fx.Changed, Key{g.addr, netip.IPv6Unspecified()})
}
