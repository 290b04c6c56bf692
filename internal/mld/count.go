package mld

import (
	"net/netip"
	"slices"

	"tandem/internal/instant"
)

// countRecord adds a live record to the counts of its group (by +1), or removes it
// (by -1). Tombstones are not counted.
func (s *store) countRecord(g *group, id uint32, by int32, now instant.Time) {
	rec := s.records.At(id)
	if !rec.live() {
		return
	}
	open := rec.mode() == Exclude
	if open && by > 0 {
		s.tally(g, id, anySource, by)
	}
	was := g.live
	g.live += uint32(by)
	switch {
	case was == 0:
		g.since = now
		s.liveGroups++
	case g.live == 0:
		s.liveGroups--
	}
	if id != g.leaveRecord {
		s.liveRecords += int(by)
	}
	if open {
		g.exclude += uint32(by)
	}
	if open && by < 0 {
		s.tally(g, id, anySource, by)
	}
	s.countSources(g, id, s.lists.get(rec.list), by)
}

// countSources adds sources that a live record names to the counts of its group and its
// host, or removes them.
func (s *store) countSources(g *group, id uint32, list []netip.Addr, by int32) {
	rec, before := s.records.At(id), len(g.sources)
	for _, a := range list {
		if rec.mode() == Include && by > 0 {
			s.tally(g, id, a, by)
		}
		g.countSource(a, rec.mode(), by)
		if rec.mode() == Include && by < 0 {
			s.tally(g, id, a, by)
		}
	}
	s.named += len(g.sources) - before
	s.hosts.At(rec.host).items += uint32(by) * uint32(len(list))
}

func (g *group) countSource(a netip.Addr, mode FilterMode, by int32) {
	i, found := g.search(a)
	if !found {
		g.sources = slices.Insert(g.sources, i, sourceCount{addr: a})
	}
	c := &g.sources[i]
	if mode == Exclude {
		c.excluded += uint32(by)
	} else {
		c.included += uint32(by)
	}
	if c.included == 0 && c.excluded == 0 {
		if g.sources = slices.Delete(g.sources, i, i+1); len(g.sources) == 0 {
			g.sources = nil
		}
	}
}

func (g *group) search(a netip.Addr) (int, bool) {
	return slices.BinarySearchFunc(g.sources, a, func(c sourceCount, a netip.Addr) int { return c.addr.Compare(a) })
}

// wants reports whether live records want a source. included says that an INCLUDE record
// lists it. open says that there is an EXCLUDE record that does not list it.
func (g *group) wants(a netip.Addr) (included, open bool) {
	i, found := g.search(a)
	if !found {
		return false, g.exclude > 0
	}
	return g.sources[i].included > 0, g.sources[i].excluded < g.exclude
}

// union returns the union of the live records (RFC 9777, section 7.2). Its sources must
// not be modified.
func (s *store) union(g *group) Filter {
	if g.live == 1 && s.records.At(g.records.First).live() {
		return s.filter(g.records.First)
	}
	f := Filter{Mode: Include}
	if g.exclude > 0 {
		f.Mode = Exclude
	}
	for _, c := range g.sources {
		if included, open := g.wants(c.addr); (included || open) == (f.Mode == Include) {
			f.Sources = append(f.Sources, c.addr)
		}
	}
	return f
}

// wantedByHosts is like wants, but does not count the leave record.
func (s *store) wantedByHosts(g *group, a netip.Addr) (included, open bool) {
	leaving := s.filter(g.leaveRecord)
	exclude := s.excluding(g)
	i, found := g.search(a)
	if !found {
		return false, exclude > 0
	}
	includes, excludes := g.sources[i].included, g.sources[i].excluded
	if _, listed := slices.BinarySearchFunc(leaving.Sources, a, netip.Addr.Compare); listed {
		if leaving.Mode == Include {
			includes--
		} else {
			excludes--
		}
	}
	return includes > 0, excludes < exclude
}

// excluding counts the hosts in EXCLUDE mode.
func (s *store) excluding(g *group) uint32 {
	if s.filter(g.leaveRecord).Mode == Exclude {
		return g.exclude - 1
	}
	return g.exclude
}

// listeners yields the live records of a group, without the leave record.
func (s *store) listeners(g *group) func(yield func(uint32, *record) bool) {
	return func(yield func(uint32, *record) bool) {
		for id := g.records.First; id != 0; {
			rec := s.records.At(id)
			next := rec.links.Next
			if id != g.leaveRecord && rec.live() && !yield(id, rec) {
				return
			}
			id = next
		}
	}
}
