package device

import (
	"slices"

	"tandem/internal/etrunk"
	"tandem/internal/instant"
	"tandem/internal/proof"
)

// ProofKind is a kind of proof that a device is ready for what it does.
type ProofKind uint8

// The kinds of proof.
const (
	ProofAble      ProofKind = iota // the kernel lets the interface do its work, and reports of hosts arrive on it
	ProofArriving                   // the streams that the listeners want arrive
	ProofLeaving                    // the packets that the gate lets pass leave the device
	ProofToldApart                  // hellos of the peer arrive on every path, so that a dead peer differs from a broken path
)

func (k ProofKind) String() string {
	return [...]string{"able", "arriving", "leaving", "told apart"}[k]
}

// ProofSnapshot is one proof of a member of an E-Trunk, or of the upstream interface.
// Member is zero for the upstream interface.
type ProofSnapshot struct {
	Member
	Kind ProofKind
	proof.Standing
}

// note records the verdicts that the calculation of the duties yields, and since when
// they hold.
func (du *duties) note(now instant.Time) {
	for _, t := range du.trunks.list {
		t.BFD.Note(now, bfdVerdict(t.state.BFD), t.state.BFD.String())
		for _, ms := range t.state.Members {
			if m := t.members[ms.ID]; m != nil {
				du.noteMember(now, m, ms)
			}
		}
	}
	for _, ifc := range du.downstreams.list {
		ifc.Ability.NoteCause(now, ifc.link.hindrance())
	}
	up := du.upstream.unable()
	switch {
	case !du.upstream.exists():
		up = "no upstream interface"
	case !du.upstream.isUp():
		up = "the upstream interface is down"
	}
	du.kept.Upstream.NoteCause(now, up)
}

// bfdVerdict judges a BFD session. An E-Trunk without a BFD session is unproven.
func bfdVerdict(s etrunk.BFDState) proof.Verdict {
	switch s {
	case etrunk.BFDUp:
		return proof.Proven
	case etrunk.BFDUnbound:
		return proof.Unproven
	}
	return proof.Refuted
}

// hindrance names the reason why an interface cannot do its work. It is empty if there is
// none.
func (l *LinkChanged) hindrance() string {
	if !l.Up {
		return "it is down"
	}
	return l.lack()
}

func (du *duties) noteMember(now instant.Time, m *member, ms etrunk.MemberState) {
	switch {
	case m.Fit && m.Lacking == "":
		m.Readiness.Note(now, proof.Proven, "")
	default:
		m.Readiness.Note(now, proof.Refuted, m.Lack.String())
	}
	switch {
	case !ms.PeerKnown:
		m.PeerReadiness.Note(now, proof.Unproven, "the peer does not tell of it")
	case ms.Peer.Ready:
		m.PeerReadiness.Note(now, proof.Proven, "")
	default:
		m.PeerReadiness.Note(now, proof.Refuted, ms.Peer.Lack.String())
	}
	link := du.links[m.leg.Netdev]
	able := du.mute(m)
	switch {
	case !link.Up && m.keptDown(ms):
		m.Ability.Note(now, proof.Unproven, "left down as Backup")
		return
	case !link.Up:
		able = "the Eth-Trunk is down"
	case able == "" && ms.Role == etrunk.MemberMaster && m.apart(link):
		able = "the switch does not have the Eth-Trunk in its aggregate"
	}
	m.Ability.NoteCause(now, able)
	m.Leaving.NoteCause(now, du.lackBelow(m, func(l proof.Lack) bool { return l == proof.LacksLeaving }))
}

// proofs lists the proofs of the upstream interface, then those of each member of an E-Trunk.
func (d *Device) proofs(now instant.Time) (list []ProofSnapshot) {
	if d.proxy.exists() {
		arriving := d.services.arrivingOf(d.services.list)
		list = append(list, ProofSnapshot{Kind: ProofAble, Standing: d.kept.Upstream}, ProofSnapshot{Kind: ProofArriving, Standing: arriving})
	}
	for _, t := range d.trunks.list {
		apart := toldApart(now, t.core.State(now))
		for _, m := range sorted(t.members) {
			arriving := d.services.arrivingOf(slices.Collect(d.services.of(m.id)))
			for kind, s := range []proof.Standing{d.able(m), arriving, m.leaves(arriving), apart} {
				list = append(list, ProofSnapshot{m.id, ProofKind(kind), s})
			}
		}
	}
	return list
}

// able returns whether the interfaces of a member can do their work and receive the
// reports of the hosts.
func (d *Device) able(m *member) proof.Standing {
	s := m.Ability
	for _, ifc := range d.downstreams.list {
		if at := ifc.hearing.deafSince(); at.IsSet() && ifc.member == m && s.Verdict == proof.Proven {
			s = proof.Standing{Verdict: proof.Refuted, Cause: ifc.name + ": " + ifc.hearing.Deaf().String(), Since: at}
		}
	}
	return s
}

// leaves returns whether the streams of a member leave the device. While it is not
// measured whether streams arrive, it cannot be measured either whether they leave.
func (m *member) leaves(arriving proof.Standing) proof.Standing {
	if m.Leaving.Verdict == proof.Proven && arriving.Verdict == proof.Unproven {
		return arriving
	}
	return m.Leaving
}

// toldApart judges whether this device can tell a dead peer from a broken path. The
// verdict holds since the last change of a path.
func toldApart(now instant.Time, s etrunk.State) proof.Standing {
	if !s.PeerAlive {
		lost := proof.Standing{Verdict: proof.Refuted, Cause: "the peer is not heard"}
		for _, p := range s.Paths {
			lost.Since = max(lost.Since, now.Add(-p.For))
		}
		return lost
	}
	whole := proof.Standing{Verdict: proof.Proven}
	for _, p := range s.Paths {
		at := now.Add(-p.For)
		if p.Lost || !p.Up {
			return proof.Standing{Verdict: proof.Refuted, Cause: "nothing is heard by the path " + p.Path.String(), Since: at}
		}
		whole.Since = max(whole.Since, at)
	}
	if len(s.Paths) < 2 {
		whole.Verdict, whole.Cause = proof.Unproven, "there is one path only: a broken path looks like a dead peer"
	}
	return whole
}

// arrivingOf returns the worst verdict on the arrival of the streams of these services.
func (rp *replication) arrivingOf(services []*service) proof.Standing {
	worst := proof.Standing{Cause: "no remote backup service compares the streams", Since: rp.kept.Started}
	for i, s := range services {
		if s != nil && (i == 0 || s.Arriving.Worse(&worst)) {
			worst = s.Arriving
		}
	}
	return worst
}
