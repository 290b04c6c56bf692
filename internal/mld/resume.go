package mld

import (
	"net/netip"
	"time"

	"tandem/internal/instant"
)

// RouterMemory is what a Router knows. With it another Router goes on in its place: it
// does not ask all hosts anew, and the election stays as it is.
type RouterMemory struct {
	At      instant.Time
	Records []Record // tombstones too
	Groups  []GroupMemory

	LinkLocal  netip.Addr
	Up, Duty   bool
	Other      netip.Addr // the elected querier when that is another router
	OtherUntil instant.Time
	// What its queries said, 0 where they say nothing.
	Robustness                       int
	Interval, Response, LastListener time.Duration
	NextQuery                        instant.Time // when the next general query is due
	Startup                          int          // general queries left of those sent at the start
	Counters                         Counters
}

// GroupMemory is what is known of a group beside its records.
type GroupMemory struct {
	Group                        netip.Addr
	Since, V1Until, PartialUntil instant.Time
}

// Memory returns what a successor needs. The sources of its records must not be modified.
func (r *Router) Memory(now instant.Time) RouterMemory {
	r.Tick(now)
	q, d := &r.querier, &r.querier.dictated
	m := RouterMemory{
		At: now, LinkLocal: r.linkLocal, Up: r.up, Duty: q.duty,
		Other: q.other, OtherUntil: q.otherUntil,
		Robustness: d.robustness, Interval: d.interval, Response: d.response, LastListener: d.lastListener,
		NextQuery: q.next, Startup: q.startup, Counters: r.counters,
	}
	for rec := range r.Records() {
		m.Records = append(m.Records, rec)
	}
	for id := uint32(1); id <= r.store.groups.Top(); id++ {
		if g := r.store.groups.At(id); g.addr.IsValid() {
			m.Groups = append(m.Groups, GroupMemory{g.addr, g.since, g.v1Until, g.partialUntil})
		}
	}
	return m
}

// Resume makes a new Router go on as the one whose memory it is given.
func (r *Router) Resume(now instant.Time, m RouterMemory, fx *Effects) {
	r.Tick(now)
	r.linkLocal, r.up = m.LinkLocal, m.Up
	q := &r.querier
	q.duty, q.next, q.startup = m.Duty, m.NextQuery, m.Startup
	if m.Other.IsValid() {
		q.dictated = dictated{m.Robustness, m.Interval, m.Response, m.LastListener}
		r.setOther(m.Other)
		q.otherUntil = m.OtherUntil
	}
	for _, rec := range m.Records {
		rec.Left -= now.Sub(m.At)
		r.Merge(now, rec, fx)
	}
	for _, gm := range m.Groups {
		if id := r.store.findGroup(gm.Group); id != 0 {
			g := r.store.groups.At(id)
			g.since, g.v1Until, g.partialUntil = gm.Since, gm.V1Until, gm.PartialUntil
		}
	}
	r.counters = m.Counters
}

// ProxyMemory is what a Proxy knows beside what is wanted.
type ProxyMemory struct {
	LinkLocal netip.Addr
	Up        bool
	V1Until   instant.Time
	Pending   []netip.Addr // groups whose last change has not been told once
	Counters  Counters
}

// Memory returns what a successor needs.
func (p *Proxy) Memory() ProxyMemory {
	m := ProxyMemory{LinkLocal: p.linkLocal, Up: p.up, V1Until: p.v1Until, Counters: p.counters}
	for _, g := range p.memberships() {
		if g.fresh {
			m.Pending = append(m.Pending, g.addr)
		}
	}
	return m
}

// Resume makes a Proxy that has been told what is wanted, and nothing else, go on as
// the one whose memory it is given: what that one has told its routers is not told again.
func (p *Proxy) Resume(now instant.Time, m ProxyMemory) {
	p.now = max(p.now, now)
	p.linkLocal, p.up, p.v1Until, p.counters = m.LinkLocal, m.Up, m.V1Until, m.Counters
	for _, g := range p.memberships() {
		g.announced, g.fresh, g.telling = true, false, nil
	}
	p.fresh, p.pending = nil, 0
	p.cancel()
	for _, group := range m.Pending {
		if id := p.find(group); id != 0 {
			g := p.groups.At(id)
			g.announced = false
			p.change(id, g, Filter{})
		}
	}
}
