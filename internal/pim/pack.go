package pim

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"tandem/internal/instant"
)

// Entry is one join or prune to send.
type Entry struct {
	Key
	To   Hop
	Root netip.Addr // the source, or the RP of a shared tree
	RPT  bool       // for the source on the shared tree: (S,G,rpt)
	Join bool
}

// entry returns the join or the prune of a tree.
func (t *tree) entry(join bool) Entry {
	return Entry{Key: t.Key, To: t.Upstream, Root: t.Root, Join: join}
}

func (e *Entry) isStar() bool { return !e.Source.IsValid() }

func (e *Entry) encoded() Source {
	return Source{Prefix: netip.PrefixFrom(e.Root, 128), Sparse: true, Wildcard: e.isStar(), RPT: e.RPT || e.isStar()}
}

// flush sends the entries in the outbox, in as few messages as possible (section
// 4.9.5.2).
func (r *Router) flush(now instant.Time, fx *Effects) {
	if len(r.outbox) == 0 {
		return
	}
	r.withPrunes()
	slices.Reverse(r.outbox) // so that of several entries for the same state the last one is kept
	slices.SortStableFunc(r.outbox, compareEntries)
	box := slices.CompactFunc(r.outbox, sameEntry)
	for len(box) > 0 {
		n := 1
		for n < len(box) && box[n].To == box[0].To {
			n++
		}
		if p := r.ports[box[0].To.Interface]; p != nil && p.active() && p.exactly(box[0].To.Neighbor) != nil {
			if !p.kept.Introduced {
				p.hello(now, fx)
			}
			r.pack(p, box[:n], fx)
		}
		box = box[n:]
	}
	r.outbox = r.outbox[:0]
}

// withPrunes adds, to each join of a shared tree, the sources that are pruned from it,
// because both have to be in one message (section 4.5.6).
func (r *Router) withPrunes() {
	for i := range r.outbox {
		e := r.outbox[i]
		gid := r.findGroup(e.Group)
		if !e.isStar() || !e.Join || gid == 0 {
			continue
		}
		g := r.groups.At(gid)
		if g.star == 0 {
			continue
		}
		for _, id := range g.sources {
			if t := r.trees.At(id); r.isRPTPrunedIn(r.trees.At(g.star), t) {
				r.outbox = append(r.outbox, Entry{Key: t.Key, To: e.To, Root: t.Source, RPT: true})
			}
		}
	}
}

// compareEntries orders entries by router and group. In a group the trees of sources come
// before the shared tree and the (S,G,rpt) entries: pim6d has one state for (S,G) and
// (S,G,rpt), in which a later prune of (S,G) would undo a prune of (S,G,rpt).
func compareEntries(a, b Entry) int {
	return cmp.Or(
		strings.Compare(a.To.Interface, b.To.Interface), a.To.Neighbor.Compare(b.To.Neighbor),
		a.Group.Compare(b.Group), cmp.Compare(a.rank(), b.rank()),
		a.Source.Compare(b.Source))
}

func (e *Entry) rank() int {
	switch {
	case e.isStar():
		return 1
	case e.RPT:
		return 2
	}
	return 0
}

// sameEntry reports whether two entries are about the same state at the same router. A
// shared tree is the same whatever its RP, because a router obeys a prune without
// comparing the RP (section 4.5.1).
func sameEntry(a, b Entry) bool { return a.To == b.To && a.Key == b.Key && a.RPT == b.RPT }

// maxGroups is how many groups one message can hold.
const maxGroups = 255

// pack sends entries for one router in messages that fit into the link's MTU.
func (r *Router) pack(p *port, entries []Entry, fx *Effects) {
	m := r.message(p, entries[0].To)
	for len(entries) > 0 {
		block := entries[:blockLen(entries)]
		entries = entries[len(block):]
		if len(m.Groups) > 0 && !m.fits(block) {
			p.send(&m.JoinPrune, fx)
			m = r.message(p, block[0].To)
		}
		var rest []Entry
		for i := range block {
			switch {
			case m.fits(block[i : i+1]):
				m.add(&block[i])
			case block[i].Join:
				rest = append(rest, block[i])
				// Prunes that do not fit beside their shared tree are left out.
			}
		}
		entries = append(rest, entries...)
	}
	p.send(&m.JoinPrune, fx)
}

// blockLen returns how many entries have to be in one message: a shared tree and its
// (S,G,rpt) entries (section 4.9.5.2).
func blockLen(entries []Entry) int {
	n := 1
	for entries[0].isStar() && n < len(entries) && entries[n].RPT && entries[n].Group == entries[0].Group {
		n++
	}
	return n
}

// packet is a message that is being filled.
type packet struct {
	JoinPrune
	left int // room that is left, in bytes
}

func (r *Router) message(p *port, to Hop) *packet {
	return &packet{JoinPrune{Upstream: to.Neighbor, HoldTime: r.cfg.JoinHoldTime},
		max(p.kept.MTU, 1280) - 40 - (headerSize + unicastSize + 4)}
}

// extends reports whether an entry has the group of the last entry in the message.
func (m *packet) extends(e *Entry) bool {
	return len(m.Groups) > 0 && m.Groups[len(m.Groups)-1].Group.Addr() == e.Group
}

// fits reports whether the message has room for entries of one group.
func (m *packet) fits(block []Entry) bool {
	need := groupSize * len(block)
	if m.extends(&block[0]) {
		return need <= m.left
	}
	return need+groupSize+4 <= m.left && len(m.Groups) < maxGroups
}

func (m *packet) add(e *Entry) {
	if !m.extends(e) {
		m.Groups = append(m.Groups, GroupRecord{Group: group(e.Group)})
		m.left -= groupSize + 4
	}
	g := &m.Groups[len(m.Groups)-1]
	if e.Join {
		g.Joins = append(g.Joins, e.encoded())
	} else {
		g.Prunes = append(g.Prunes, e.encoded())
	}
	m.left -= groupSize
}
