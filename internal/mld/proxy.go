package mld

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"tandem/internal/instant"
	"tandem/internal/table"
)

// unsolicitedReportInterval bounds the random gap between the repetitions of a
// state change (RFC 9777, section 9.11).
const unsolicitedReportInterval = time.Second

// Proxy is the host side of MLD on one upstream interface (RFC 9777, section 6;
// RFC 4605, section 4): it joins there what the downstream listeners want, however
// many groups that is, and answers queries. What it has to say comes from Advance;
// the other methods only bring the Deadline forward.
type Proxy struct {
	cfg Config
	rng *rand.Rand
	now instant.Time

	kept ProxyKept

	seed    table.Seed
	groups  table.Table[membership]
	lists   sourceLists
	joined  int
	fresh   []uint32 // groups with a change not sent once; may name others
	pending int
	repeats repetitions
	answers instant.Queue[uint32]

	packer  packer
	scratch [2][]netip.Addr
}

// membership is one group that the proxy has joined or is leaving. There may be a
// hundred thousand, of which few have anything to tell at a time.
type membership struct {
	addr netip.Addr
	list uint32 // of the sources of what is wanted
	mode FilterMode
	// announced: a report has told the routers that the group is wanted.
	announced bool
	fresh     bool
	telling   *telling // nil when there is nothing to tell
}

// StateChange is what is still to be told of a group: a pending state change and an answer.
type StateChange struct {
	// Changes of the filter mode and of the source list, in transmissions that are left (section 6.1).
	Mode    int
	Sources []SourceChange // sorted
	Repeat  instant.Time   // alarm of the next repetition

	Answer instant.Time // alarm of the answer to a specific query
	Asked  []netip.Addr // the sources it asked for, sorted; none means all
}

// SourceChange is a source of which is to be told so many times that it is wanted, or is not.
type SourceChange struct {
	Source netip.Addr
	Left   int
}

// telling is a StateChange with room for what is usual.
type telling struct {
	StateChange
	first [1]SourceChange
}

// tells returns what is to be told of a group, to be changed.
func (m *membership) tells() *telling {
	if m.telling == nil {
		m.telling = &telling{}
	}
	return m.telling
}

// waits reports whether a repetition or an answer is waited for.
func (t *telling) waits() bool { return t.Repeat.IsSet() || t.Answer.IsSet() }

func (m *membership) changing() bool {
	return m.telling != nil && (m.telling.Mode > 0 || len(m.telling.Sources) > 0)
}

// want is what is wanted of a group.
func (p *Proxy) want(m *membership) Filter { return Filter{m.mode, p.lists.get(m.list)} }

func (m *membership) wanted() bool { return m.mode == Exclude || m.list != 0 }

// NewProxy returns a proxy without link that wants nothing. rng spreads its answers.
func NewProxy(cfg Config, rng *rand.Rand, now instant.Time) *Proxy {
	p := &Proxy{cfg: cfg, rng: rng, now: now, seed: table.NewSeed(rng.Uint64())}
	p.groups.Hash = func(m *membership) uint64 { return p.seed.Addr(m.addr) }
	p.lists.init(p.seed)
	return p
}

// SetConfig takes a new configuration; it uses the version, the robustness, the
// intervals and RequireRouterAlert.
func (p *Proxy) SetConfig(now instant.Time, cfg Config) {
	p.now = max(p.now, now)
	if p.cfg.Version != cfg.Version {
		p.cancel()
	}
	p.cfg = cfg
}

// SetLink tells the proxy's own link-local address and whether the interface can
// send and receive. When it comes up, or its address changes, all that is wanted
// is announced anew.
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
		m.telling = nil
		p.change(id, m, Filter{})
	}
}

// TellAnew reports everything that is listened to once more, within a second, as if it
// had been asked for: a switch on the way may have forgotten where the listener is.
func (p *Proxy) TellAnew(now instant.Time) {
	p.now = max(p.now, now)
	p.heardQuery(now, &Query{Version: 2, MaxResponse: time.Second, Group: netip.IPv6Unspecified()})
}

// Want makes the proxy listen to a group, or stop when the filter is empty. Groups
// that are not routed between links are ignored.
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
	list := p.lists.hold(f.Sources)
	p.lists.drop(m.list)
	m.mode, m.list = f.Mode, list
	if old.Empty() {
		p.joined++
	}
	if f.Empty() {
		p.joined--
	}
	p.change(id, m, old)
}

// Receive takes a message heard on the interface. A *DropError says why it had no effect.
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

// Malformed counts a message that Parse refused.
func (p *Proxy) Malformed() { p.kept.Counters.Drops.Count(DropMalformed) }

// Deadline returns when Advance must be called next, Never when nothing is waited for.
func (p *Proxy) Deadline() instant.Time {
	if !p.canSend() {
		return instant.Never
	}
	changes := instant.Never
	if p.pending > 0 {
		changes = max(p.now, p.tellAt())
	}
	return instant.Earliest(changes, p.kept.GeneralAt, p.repeats.due.Deadline(), p.answers.Deadline())
}

// Pending returns the number of groups whose last change has not been sent once.
func (p *Proxy) Pending() int { return p.pending }

// Joined returns the number of groups that are wanted.
func (p *Proxy) Joined() int { return p.joined }

// Counters returns what was sent, received and dropped so far.
func (p *Proxy) Counters() Counters { return p.kept.Counters }

// version returns the protocol version in use at a time: 1 while the configuration
// or a querier of that version demands it.
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

// memberships yields all, in an order that depends only on their history.
func (p *Proxy) memberships() func(yield func(uint32, *membership) bool) {
	return func(yield func(uint32, *membership) bool) {
		for id := uint32(1); id <= p.groups.Top(); id++ {
			if m := p.groups.At(id); m.addr.IsValid() && !yield(id, m) {
				return
			}
		}
	}
}

// cancel drops every answer and repetition that is waited for, as a change of
// version demands (section 8.2.1).
func (p *Proxy) cancel() {
	p.kept.GeneralAt = instant.Never
	p.repeats, p.answers = repetitions{}, instant.Queue[uint32]{}
	for id, m := range p.memberships() {
		if t := m.telling; t != nil {
			t.Repeat, t.Answer, t.Asked = instant.Never, instant.Never, nil
		}
		p.tidy(id, m)
	}
}

// tidy forgets what has been told, and a group that is no longer wanted after that.
func (p *Proxy) tidy(id uint32, m *membership) {
	if t := m.telling; t != nil && !m.changing() && !t.waits() {
		m.telling = nil
	}
	if !m.wanted() && !m.fresh && (m.telling == nil || !m.telling.waits()) {
		p.groups.Remove(id)
	}
}
