package device

import (
	"fmt"
	"math/rand/v2"
	"time"

	"tandem/internal/etrunk"
	"tandem/internal/event"
)

// Times of the pair that no command sets.
const (
	// bootHold is how long a leg that was found down waits for the first
	// synchronisation before it is raised regardless: with no peer at all,
	// serving late is the only harm.
	bootHold = 5 * time.Second
	// joinSettle is how long after the last upstream join the streams are
	// given to arrive before this device calls itself ready.
	joinSettle = 500 * time.Millisecond
)

// trunk is an E-Trunk and the members that this device has in it.
type trunk struct {
	core    *etrunk.Trunk
	random  *rand.PCG // its core's
	cfg     etrunk.Config
	members map[uint32]*member
	state   etrunk.State  // as of the last refresh
	lost    bool          // the peer was, and has not been found since
	heard   time.Duration // when the peer gave its last sign of life
}

// member is an Eth-Trunk in an E-Trunk: what it may send and why.
type member struct {
	id    Member
	leg   LegSettings
	asked *LegChange // what was last asked of the leg
	// yielded: the operator has handed everything to the peer.
	yielded bool
	fit     bool // everything is there to serve, since fitAt
	fitAt   time.Duration
	lacking string
	aside   bool // the peer serves and this member has not been ready since
	// servedAt is when the peer will have been ready for long enough to leave the switch to it.
	servedAt time.Duration
	covers   etrunk.Buckets
	duty     Duty
}

func (d *Device) newTrunk(id uint32) *trunk {
	random := d.random(uint64(id))
	t := &trunk{core: etrunk.New(rand.New(random)), random: random, members: make(map[uint32]*member)}
	d.trunks[id] = t
	return t
}

func newMember(id Member, leg LegSettings) *member {
	return &member{id: id, leg: leg, covers: etrunk.AllBuckets}
}

// refreshDuty recomputes, for every member, readiness, duty, gate, leg and
// announcement. It is the only place that decides who sends. What goes through
// many records waits until the gate has been handed out.
func (d *Device) refreshDuty(now time.Duration) {
	d.dutyDirty = false
	for _, t := range d.order.trunks {
		t.state = t.core.State(now)
		for _, ms := range t.state.Members {
			if m := t.members[ms.ID]; m != nil {
				d.refreshMember(now, t, m, ms)
			}
		}
	}
	if d.refreshGate(); d.fx.Gate != nil {
		d.wakeAt(max(now, 1)) // 0 is no time
		return
	}
	d.refreshRetention(now)
	d.refreshQueriers(now)
}

func (d *Device) refreshMember(now time.Duration, t *trunk, m *member, ms etrunk.MemberState) {
	link := d.links[m.leg.Netdev]
	local := etrunk.Announcement{Up: link.Up, Role: ms.Role, Covers: m.covers, Key: link.Key}
	local.Ready = d.ready(now, t, m, ms, local.Up)

	target := etrunk.Target(local, ms.Peer, ms.PeerKnown, t.state.Preferred)
	before, covers := m.covers, etrunk.Cover(m.covers, target, local, ms.Peer, ms.PeerKnown)
	if covers != before {
		m.covers = covers
		d.gateDirty, d.orphansDirty = true, true
	}
	local.Covers = covers
	m.aside = !local.Ready && (m.aside || target == etrunk.NoBuckets)

	old := m.duty
	m.duty = Duty{Kind: dutyKind(target), Covers: covers, Reason: m.reason(local, ms)}
	m.duty.Querier = m.duty.Kind == DutySole || m.duty.Kind == DutyShared && t.state.Preferred
	if covers != before {
		d.fx.Handovers = append(d.fx.Handovers, Handover{Member: m.id, From: before, To: covers, Reason: m.duty.Reason, LastHeard: t.lostSince(ms)})
	}
	if m.duty.Kind != old.Kind {
		d.tell(event.DutyChange.With(m.id.ETrunk, m.id.EthTrunk, m.duty.Kind, m.duty.Reason))
	}

	d.steerLeg(now, m, ms)
	t.core.Announce(now, ms.ID, local, &d.trunkFx)
	d.sendHellos(t)
}

// lostSince is when a peer that is lost was last heard, zero while it is not lost.
func (t *trunk) lostSince(ms etrunk.MemberState) time.Duration {
	if ms.PeerKnown {
		return 0
	}
	return t.heard
}

// ready decides whether the member could send every wanted (S,G) now. A member
// that stood aside for a serving peer also waits for the revert delay, for a
// reboot is often followed by another.
func (d *Device) ready(now time.Duration, t *trunk, m *member, ms etrunk.MemberState, up bool) bool {
	m.lacking = d.lacking(m, ms.Role, up || m.keptDown(ms))
	if fit := m.lacking == ""; fit != m.fit {
		m.fit, m.fitAt = fit, now
	}
	if !m.fit {
		return false
	}
	readyAt := m.fitAt + joinSettle
	if served := ms.PeerKnown && ms.Peer.Up && ms.Peer.Ready && ms.Peer.Covers == etrunk.AllBuckets; served && m.aside {
		if t.cfg.RevertDisable {
			m.lacking = "the E-Trunk does not revert"
			return false
		}
		readyAt += t.cfg.RevertDelay
	}
	if now < readyAt {
		m.lacking = fmt.Sprintf("settling, %d s left", (readyAt-now+time.Second-1)/time.Second)
		d.wakeAt(readyAt)
		return false
	}
	return true
}

// keptDown tells that the leg is down since this device keeps a Backup's leg so. That
// is no reason not to become Master, for then it would stay down for ever.
func (m *member) keptDown(ms etrunk.MemberState) bool {
	return ms.Role == etrunk.MemberBackup && !m.leg.Shutdown && m.asked != nil && !m.asked.Up
}

// lacking names what keeps a member from serving, empty when nothing does.
func (d *Device) lacking(m *member, role etrunk.MemberRole, legUp bool) string {
	switch up := d.upstream; {
	case m.yielded:
		return "handed over on request"
	case !legUp:
		return "the Eth-Trunk is down"
	case role == etrunk.MemberMaster && m.apart(d.links[m.leg.Netdev]):
		return "the switch does not have the Eth-Trunk in its aggregate"
	case up == nil:
		return "no upstream interface"
	case !up.link.Up:
		return "the upstream interface is down"
	case !d.synchronised(m.id):
		return "not synchronised with the peer yet"
	case !m.fit && up.proxy.Pending() > 0: // a new listener later does not revoke it
		return "joining upstream"
	}
	return ""
}

// synchronised reports whether every service that replicates for the member
// has completed a synchronisation since this device booted.
func (d *Device) synchronised(id Member) bool {
	for _, p := range d.settings.Profiles {
		if p.Member != id || !p.replicates() {
			continue
		}
		if s := d.services[p.Service]; s == nil || !s.syncedOnce {
			return false
		}
	}
	return true
}

// apart tells that LACP has not come so far that the switch takes what is sent.
func (m *member) apart(link LinkChanged) bool { return m.leg.LACP && link.LACP && link.Apart }

func dutyKind(target etrunk.Buckets) DutyKind {
	switch target {
	case etrunk.AllBuckets:
		return DutySole
	case etrunk.NoBuckets:
		return DutyNone
	}
	return DutyShared
}

// reason explains a duty in the operator's words.
func (m *member) reason(local etrunk.Announcement, ms etrunk.MemberState) string {
	switch {
	case local.Role == etrunk.MemberBackup:
		return "member is Backup"
	case !ms.PeerKnown:
		return "peer is lost"
	case !ms.Peer.Up:
		return "peer's Eth-Trunk is down"
	case ms.Peer.Role == etrunk.MemberBackup:
		return "peer's member is Backup"
	case !local.Ready:
		return "not ready: " + m.lacking
	case !ms.Peer.Ready:
		return "peer is not ready"
	}
	return "both are ready"
}

// steerLeg asks for the leg to be up on a Master member and out of the switch's
// aggregate on a Backup: by LACP where the leg speaks it, for then it is back
// much sooner, else down. A leg found down at boot is raised when the listeners
// are known, so that the switch sends no report to a device that would lose it.
func (d *Device) steerLeg(now time.Duration, m *member, ms etrunk.MemberState) {
	want := !m.leg.Shutdown && ms.Role == etrunk.MemberMaster
	switch {
	case !d.links[m.leg.Netdev].Exists:
		m.asked = nil
		return
	case d.retiring:
		want = !m.handedOver(ms) && want
	case !m.leg.Shutdown && ms.Reason == etrunk.ReasonETrunkInit:
		return // the election will tell
	case want && m.asked == nil && !d.synchronised(m.id) && now < d.started+bootHold:
		d.wakeAt(d.started + bootHold)
		return
	}
	ask := LegChange{Netdev: m.leg.Netdev, Up: want}
	if backup := ms.Role == etrunk.MemberBackup; backup && !m.leg.Shutdown && !d.retiring && d.hasLever(m) {
		if !d.mayStandAside(now, m, ms) {
			return
		}
		ask.Up, ask.Aside = true, true
	} else {
		m.servedAt = 0
	}
	if m.asked != nil && *m.asked == ask {
		return
	}
	m.asked = &ask
	// Asked for even where it seems so already: what was asked a moment ago may
	// not have been heard of yet.
	d.fx.Legs = append(d.fx.Legs, ask)
}

// mayStandAside reports whether the peer has served for long enough that the
// switch can do without this leg. A switch whose aggregate loses its last port
// stays with the port that has gone aside, and the peer's never comes in.
func (d *Device) mayStandAside(now time.Duration, m *member, ms etrunk.MemberState) bool {
	switch {
	case ms.Mode == etrunk.ForceBackup || m.asked != nil && m.asked.Aside:
		return true
	case !ms.PeerKnown || ms.Peer.Role != etrunk.MemberMaster || !ms.Peer.Ready:
		m.servedAt = 0
		return false
	case m.servedAt == 0:
		m.servedAt = now + joinSettle
	}
	if now < m.servedAt {
		d.wakeAt(m.servedAt)
		return false
	}
	return true
}

// hasLever tells that the switch can be made to leave the leg out by LACP.
func (d *Device) hasLever(m *member) bool { return m.leg.LACP && d.links[m.leg.Netdev].LACP }

// refreshQueriers gives the querier's duty to the interfaces that have it.
func (d *Device) refreshQueriers(now time.Duration) {
	for _, ifc := range d.order.downstreams {
		ifc.router.SetQuerierDuty(now, d.dutyOf(ifc).Querier, &d.mldFx)
		d.applyMLD(now, ifc)
	}
}

// dutyOf returns the duty on an interface: its member's, or everything for an
// interface that no profile shares.
func (d *Device) dutyOf(ifc *downstream) Duty {
	if m := d.memberOf(ifc); m != nil {
		return m.duty
	}
	return Duty{Kind: DutySole, Covers: etrunk.AllBuckets, Querier: true, Reason: "not shared"}
}

func (d *Device) memberOf(ifc *downstream) *member {
	p, ok := d.settings.Profiles[ifc.cfg.Profile]
	if !ok {
		return nil
	}
	if t := d.trunks[p.Member.ETrunk]; t != nil {
		return t.members[p.Member.EthTrunk]
	}
	return nil
}

// retire hands everything to the peer for good.
func (d *Device) retire() {
	d.retiring = true
	for _, t := range d.trunks {
		for _, m := range t.members {
			m.yielded = true
		}
	}
	d.dutyDirty = true
}

// Retired reports whether nothing waits for this device any more after
// [Retire]: each member's peer has taken over and the switch has left the leg,
// or there is nobody to take over.
func (d *Device) Retired() bool {
	for _, t := range d.trunks {
		for _, ms := range t.state.Members {
			m := t.members[ms.ID]
			if m != nil && (!m.handedOver(ms) || takesOver(ms) && d.links[m.leg.Netdev].Up) {
				return false
			}
		}
	}
	return true
}

// handedOver reports whether a member that retires can be done without.
func (m *member) handedOver(ms etrunk.MemberState) bool {
	return m.covers == etrunk.NoBuckets || !takesOver(ms)
}

// takesOver reports whether there is a peer that could send in a member's place.
func takesOver(ms etrunk.MemberState) bool {
	return ms.PeerKnown && ms.Peer.Up && ms.Peer.Role == etrunk.MemberMaster
}

// switchover hands everything to the peer, or takes the share back.
func (d *Device) switchover(now time.Duration, id uint32, on bool) {
	t := d.trunks[id]
	if t == nil {
		return
	}
	for _, m := range t.members {
		m.yielded = on
		if !on { // an operator who asks does not want to wait
			m.fit, m.fitAt, m.aside = true, now-joinSettle, false
		}
	}
	d.dutyDirty = true
}
