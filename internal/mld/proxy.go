package mld

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"tandem/internal/instant"
	"tandem/internal/table"
)

// unsolicitedReportInterval bounds the random time between the repetitions of a state
// change (RFC 9777, section 9.11).
const unsolicitedReportInterval = time.Second

// Proxy is the host side of MLD on one upstream interface (RFC 9777, section 6; RFC 4605,
// section 4). It joins there what the downstream listeners want, and answers queries. Only
// Advance sends reports. The other methods change what is to be sent, and the Deadline.
type Proxy struct {
	cfg Config
	rng *rand.Rand
	now instant.Time

	kept ProxyKept

	seed        table.Seed
	groups      table.Table[membership]
	lists       sourceLists
	joined      int
	unsent      []uint32 // groups whose change has not been sent a first time; some entries may be out of date
	unsentCount int
	repeats     repetitions
	answers     instant.Queue[uint32]

	packer  packer
	scratch [2][]netip.Addr
}

// want returns the wanted filter of a group.
func (p *Proxy) want(m *membership) Filter { return Filter{m.mode, p.lists.get(m.list)} }

// NewProxy returns a proxy whose link is down and that wants nothing. It draws the random
// delays of its reports from rng.
func NewProxy(cfg Config, rng *rand.Rand, now instant.Time) *Proxy {
	p := &Proxy{cfg: cfg, rng: rng, now: now, seed: table.NewSeed(rng.Uint64())}
	p.groups.Hash = func(m *membership) uint64 { return p.seed.Addr(m.addr) }
	p.lists.init(p.seed)
	return p
}

// SetConfig applies a new configuration. Of it a proxy uses the version, the robustness,
// the intervals and RequireRouterAlert.
func (p *Proxy) SetConfig(now instant.Time, cfg Config) {
	p.now = max(p.now, now)
	if p.cfg.Version != cfg.Version {
		p.cancel()
	}
	p.cfg = cfg
}

// SetLink sets the proxy's link-local address, and whether the interface can send and
// receive. When the interface comes up, or its address changes, the proxy reports all that
// is wanted again.
func (p *Proxy) SetLink(now instant.Time, linkLocal netip.Addr, up bool) {
	p.now = max(p.now, now)
	linkLocal = linkLocal.WithZone("")
	if p.kept.LinkLocal == linkLocal && p.kept.Up == up {
		return
	}
	p.kept.LinkLocal, p.kept.Up = linkLocal, up
	p.kept.V1Until = instant.Never
	p.cancel()
	for id, m := range p.memberships() {
		m.announced = false
		m.pending = nil
		p.noteChange(id, m, Filter{})
	}
}

// ReportAll sends reports of all that is wanted within a second, as after a general
// query. The caller uses it when a switch on the way may have forgotten at which port the
// listener is.
func (p *Proxy) ReportAll(now instant.Time) {
	p.now = max(p.now, now)
	p.heardQuery(now, &Query{Version: 2, MaxResponse: time.Second, Group: netip.IPv6Unspecified()})
}

// Want sets the wanted filter of a group. An empty filter leaves the group. Groups that are
// not Routable are ignored.
func (p *Proxy) Want(now instant.Time, group netip.Addr, f Filter) {
	p.now = max(p.now, now)
	if !Routable(group) {
		return
	}
	id := p.find(group)
	if id == 0 {
		if f.Empty() {
			return
		}
		id = p.groups.Insert(membership{addr: group})
	}
	m := p.groups.At(id)
	old := p.want(m)
	if old.Equal(f) {
		return
	}
	list := p.lists.acquire(f.Sources)
	p.lists.release(m.list)
	m.mode, m.list = f.Mode, list
	if old.Empty() {
		p.joined++
	}
	if f.Empty() {
		p.joined--
	}
	p.noteChange(id, m, old)
}

// Receive handles a message that was received on the interface. A *DropError says why it
// was dropped.
func (p *Proxy) Receive(now instant.Time, meta Meta, pkt *Packet) error {
	p.now = max(p.now, now)
	meta.Src = meta.Src.WithZone("")
	if cause, drop := p.refuses(meta, pkt); drop {
		p.kept.Counters.Drops.Count(cause)
		return &DropError{Cause: cause, Type: pkt.Type, From: meta.Src}
	}
	p.kept.Counters.Received.count(pkt)
	switch pkt.Type {
	case TypeQuery:
		p.heardQuery(now, &pkt.Query)
	case TypeReportV1:
		p.suppress(now, pkt.Group)
	}
	return nil
}

func (p *Proxy) refuses(meta Meta, pkt *Packet) (DropCause, bool) {
	switch {
	case !p.kept.Up:
		return DropLinkDown, true
	case meta.HopLimit != 1:
		return DropHopLimit, true
	case !meta.Src.IsLinkLocalUnicast():
		return DropSource, true
	case meta.Src == p.kept.LinkLocal:
		return DropOwn, true
	case p.cfg.RequireRouterAlert && !meta.RouterAlert:
		return DropRouterAlert, true
	}
	switch pkt.Type {
	case TypeQuery, TypeReportV1, TypeDone, TypeReportV2:
		return 0, false
	}
	return DropType, true
}

// Malformed counts a message that Parse has refused.
func (p *Proxy) Malformed() { p.kept.Counters.Drops.Count(DropMalformed) }

// Deadline returns when Advance must be called next, Never if no timer runs.
func (p *Proxy) Deadline() instant.Time {
	if !p.canSend() {
		return instant.Never
	}
	changes := instant.Never
	if p.unsentCount > 0 {
		changes = max(p.now, p.nextChangeAt())
	}
	return instant.Earliest(changes, p.kept.GeneralAt, p.repeats.due.Deadline(), p.answers.Deadline())
}

// Pending returns the number of groups whose last change has not been sent yet.
func (p *Proxy) Pending() int { return p.unsentCount }

// Joined returns the number of wanted groups.
func (p *Proxy) Joined() int { return p.joined }

// Counters returns the counts of messages sent, received and dropped.
func (p *Proxy) Counters() Counters { return p.kept.Counters }

// version returns the MLD version in use: 1 while the configuration or an MLDv1 querier
// demands it (section 8.2.1).
func (p *Proxy) version(now instant.Time) int {
	if p.cfg.Version == 1 || now < p.kept.V1Until {
		return 1
	}
	return 2
}

func (p *Proxy) canSend() bool { return p.kept.Up && p.kept.LinkLocal.IsValid() }

func (p *Proxy) find(group netip.Addr) uint32 {
	return p.groups.Find(p.seed.Addr(group), func(m *membership) bool { return m.addr == group })
}

// memberships yields all memberships. The order depends only on the history of the
// memberships, so a replay has the same order.
func (p *Proxy) memberships() func(yield func(uint32, *membership) bool) {
	return func(yield func(uint32, *membership) bool) {
		for id := uint32(1); id <= p.groups.Top(); id++ {
			if m := p.groups.At(id); m.addr.IsValid() && !yield(id, m) {
				return
			}
		}
	}
}

// cancel drops all answers and repetitions that are due later, as a change of the MLD
// version demands (section 8.2.1).
func (p *Proxy) cancel() {
	p.kept.GeneralAt = instant.Never
	p.repeats, p.answers = repetitions{}, instant.Queue[uint32]{}
	for id, m := range p.memberships() {
		if t := m.pending; t != nil {
			t.Repeat, t.Answer, t.Asked = instant.Never, instant.Never, nil
		}
		p.discardIdle(id, m)
	}
}

// discardIdle removes the pending report of a group if nothing is left to report, and then
// the group if it is not wanted.
func (p *Proxy) discardIdle(id uint32, m *membership) {
	if t := m.pending; t != nil && !m.changing() && !t.hasAlarm() {
		m.pending = nil
	}
	if !m.wanted() && !m.unsent && (m.pending == nil || !m.pending.hasAlarm()) {
		p.groups.Remove(id)
	}
}
