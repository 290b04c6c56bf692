package mld

import "net/netip"

// Entries are what the access limit counts. A group that any host wants without naming
// sources is one entry. Each source of a group that any host names is one entry. Leave
// records do not count.

// setTally starts or stops the counting of entries. Entries that the policy permits are
// not counted.
func (s *store) setTally(on bool, except *Policy) {
	s.tallied, s.except, s.entries = on, except, 0
	if !on {
		return
	}
	for id := uint32(1); id <= s.hosts.Top(); id++ {
		s.hosts.At(id).entries = 0
	}
	for id := uint32(1); id <= s.groups.Top(); id++ {
		g := s.groups.At(id)
		if g.live == 0 {
			continue
		}
		if s.excluding(g) > 0 && s.isCounted(g.addr, anySource) {
			s.entries++
		}
		for _, c := range g.sources {
			if s.including(g, c.addr) > 0 && s.isCounted(g.addr, c.addr) {
				s.entries++
			}
		}
		for _, rec := range s.listeners(g) {
			s.tallyHost(g, rec)
		}
	}
}

// tallyHost adds the entries of a record to those that its host holds.
func (s *store) tallyHost(g *group, rec *record) {
	h := s.hosts.At(rec.host)
	if rec.mode() == Exclude {
		if s.isCounted(g.addr, anySource) {
			h.entries++
		}
		return
	}
	for _, a := range s.lists.get(rec.list) {
		if s.isCounted(g.addr, a) {
			h.entries++
		}
	}
}

// tally adds an entry to those that the host of a record holds, or removes it. The caller
// does so while the record is not in the counts. So the entry is new, or has ended, if no
// other host has it.
func (s *store) tally(g *group, id uint32, source netip.Addr, by int32) {
	if !s.tallied || id == g.leaveRecord || !s.isCounted(g.addr, source) {
		return
	}
	s.hosts.At(s.records.At(id).host).entries += uint32(by)
	others := s.excluding(g)
	if source != anySource {
		others = s.including(g, source)
	}
	if others == 0 {
		s.entries += int(by)
	}
}

func (s *store) isCounted(group, source netip.Addr) bool {
	return s.except == nil || !s.except.permits(group, source)
}

// including counts the hosts in INCLUDE mode that list a source.
func (s *store) including(g *group, source netip.Addr) uint32 {
	i, found := g.search(source)
	if !found {
		return 0
	}
	n := g.sources[i].included
	if f := s.filter(g.leaveRecord); f.Mode == Include && f.wants(source) {
		n--
	}
	return n
}

// entryChange returns how many entries a host's change of filter would add, and how many
// it would remove.
func (s *store) entryChange(addr netip.Addr, old, next Filter) (gained, lost int) {
	g := &group{addr: addr}
	if gid := s.findGroup(addr); gid != 0 {
		g = s.groups.At(gid)
	}
	if old.Mode != next.Mode && s.isCounted(g.addr, anySource) {
		switch hosts := s.excluding(g); {
		case next.Mode == Exclude && hosts == 0:
			gained++
		case next.Mode == Include && hosts == 1:
			lost++
		}
	}
	gained += s.onlyOf(g, next, old, 0)
	lost += s.onlyOf(g, old, next, 1)
	return gained, lost
}

// onlyOf counts the sources in f that are not in other and that exactly the given number
// of hosts includes now.
func (s *store) onlyOf(g *group, f, other Filter, hosts uint32) (n int) {
	if f.Mode == Exclude {
		return 0
	}
	for _, a := range f.Sources {
		if (other.Mode == Exclude || !other.wants(a)) && s.including(g, a) == hosts && s.isCounted(g.addr, a) {
			n++
		}
	}
	return n
}
