package mld

import (
	"net/netip"
	"slices"

	"tandem/internal/instant"
)

// RouterMemory is the state of a Router, for its successor. A new Router that resumes
// from it goes on in place of the old one: it sends no extra query, and the election
// stays as it is.
type RouterMemory struct {
	Kept    RouterKept
	Records []RecordMemory // tombstones too
	Groups  []GroupMemory
	Static  []StaticMemory
}

// RouterKept is the state of a Router outside the database.
type RouterKept struct {
	LinkLocal   netip.Addr
	Up          bool
	Retaining   bool // see RetainPeer
	Partitioned bool // see SetPartitioned
	Querier     Querier
	Counters    Counters
	Refusal     Refusal
}

// RecordMemory is the state of a record.
type RecordMemory struct {
	Key
	Filter
	Version        Version
	V1, Deleted    bool
	Prolonged      bool // retention has prolonged the record after a Done had lowered its expiry
	Heard, Expires instant.Time
}

// GroupMemory is the state of a group outside its records.
type GroupMemory struct {
	Group                        netip.Addr
	Since, V1Until, PartialUntil instant.Time
	Reporter                     netip.Addr    // the host whose report came last; the zero Addr if there is none
	Leave                        *PendingLeave // nil without a pending leave
}

// StaticMemory holds since when a group is static.
type StaticMemory struct {
	Group netip.Addr
	Since instant.Time
}

// Memory returns the state of the router. The sources of its records must not be modified.
func (r *Router) Memory() RouterMemory {
	s := &r.store
	m := RouterMemory{Kept: r.kept}
	for id := uint32(1); id <= s.records.Top(); id++ {
		if rec := s.records.At(id); rec.group != 0 {
			m.Records = append(m.Records, RecordMemory{
				Key:     Key{s.groups.At(rec.group).addr, s.hosts.At(rec.host).addr},
				Filter:  Filter{rec.mode(), s.lists.get(rec.list)},
				Version: s.version(rec), V1: rec.flags&isV1 != 0, Deleted: !rec.live(), Prolonged: rec.flags&isProlonged != 0,
				Heard: rec.heard, Expires: rec.expires,
			})
		}
	}
	for id := uint32(1); id <= s.groups.Top(); id++ {
		if g := s.groups.At(id); g.addr.IsValid() {
			m.Groups = append(m.Groups, s.groupMemory(g))
		}
	}
	for _, sg := range r.static {
		m.Static = append(m.Static, StaticMemory{sg.addr, sg.since})
	}
	return m
}

func (s *store) groupMemory(g *group) GroupMemory {
	m := GroupMemory{Group: g.addr, Since: g.since, V1Until: g.v1Until, PartialUntil: g.partialUntil}
	if g.reporter != 0 {
		m.Reporter = s.hosts.At(g.reporter).addr
	}
	if g.leave != nil {
		leave := g.leave.PendingLeave
		leave.Sources = slices.Clone(leave.Sources)
		m.Leave = &leave
	}
	return m
}

// Resume gives a new Router the state of another one. After that, the caller has to compute
// the forwarding of all groups.
func (r *Router) Resume(now instant.Time, m RouterMemory) {
	r.kept = m.Kept
	r.adoptVariables()
	for i := range m.Records {
		r.resumeRecord(now, &m.Records[i])
	}
	for i := range m.Groups {
		r.resumeGroup(now, &m.Groups[i])
	}
	for _, sm := range m.Static {
		if i, found := slices.BinarySearchFunc(r.static, sm.Group, staticGroup.compare); found {
			r.static[i].since = sm.Since
		}
	}
}

func (r *Router) resumeRecord(now instant.Time, m *RecordMemory) {
	device, ok := r.store.device(m.Version.Device)
	if !ok {
		return // impossible: the other router had the same bound, so its records fit
	}
	c := content{Filter: m.Filter, clock: m.Version.Clock, device: device, heard: m.Heard, expires: m.Expires}
	for flag, set := range map[flags]bool{isV1: m.V1, isDeleted: m.Deleted, isProlonged: m.Prolonged} {
		if set {
			c.flags |= flag
		}
	}
	r.store.set(now, r.store.create(now, m.Key, m.Expires), c)
}

func (r *Router) resumeGroup(now instant.Time, m *GroupMemory) {
	id := r.store.findGroup(m.Group)
	if id == 0 {
		return
	}
	g := r.store.groups.At(id)
	g.since, g.v1Until, g.partialUntil = m.Since, m.V1Until, m.PartialUntil
	if m.Reporter.IsValid() {
		r.store.setReporter(g, r.store.hostOf(m.Reporter))
	}
	if m.Leave != nil {
		g.leave = &pendingLeave{PendingLeave: *m.Leave}
		r.scheduleLeave(now, id)
	}
}
