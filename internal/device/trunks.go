package device

import (
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"

	"tandem/internal/etrunk"
	"tandem/internal/instant"
)

// trunks holds the E-Trunks by ID.
type trunks struct {
	*ground
	keyed[uint32, *trunk]
}

func (ts *trunks) add(id uint32) *trunk {
	random := ts.random(uint64(id))
	t := &trunk{ground: ts.ground, random: random, members: make(map[uint32]*member)}
	t.core = &trunkCore{Trunk: etrunk.New(rand.New(random)), of: t}
	ts.put(id, t)
	return t
}

// configure makes the E-Trunks and their members agree with the settings.
func (ts *trunks) configure(now instant.Time) {
	for _, t := range ts.list {
		if _, wanted := ts.settings.ETrunks[t.cfg.ID]; !wanted {
			ts.remove(t.cfg.ID)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(ts.settings.ETrunks)) {
		cfg := ts.settings.ETrunks[id]
		t := ts.get(id)
		if t == nil {
			t = ts.add(id)
		}
		if !reflect.DeepEqual(t.cfg, cfg) {
			t.cfg = cfg
			t.core.Configure(now, cfg)
			t.core.SetBFD(now, ts.bfdState(cfg.BFDSession))
		}
		ts.configureMembers(t)
	}
}

func (ts *trunks) configureMembers(t *trunk) {
	configured := func(id uint32) bool {
		return slices.ContainsFunc(t.cfg.Members, func(m etrunk.MemberConfig) bool { return m.ID == id })
	}
	maps.DeleteFunc(t.members, func(id uint32, _ *member) bool { return !configured(id) })
	for _, mc := range t.cfg.Members {
		id := Member{t.cfg.ID, mc.ID}
		leg := ts.settings.Legs[id]
		if m := t.members[mc.ID]; m != nil {
			m.Withdrawn = false
		}
		switch m := t.members[mc.ID]; {
		case m == nil:
			t.members[mc.ID] = newMember(id, leg)
		case m.leg != leg:
			m.leg, m.Asked = leg, nil
		}
	}
}

// resume makes the E-Trunks of a checkpoint, before the other E-Trunks are configured.
func (ts *trunks) resume(now instant.Time, cp *Checkpoint) {
	for _, tc := range cp.Trunks {
		cfg, wanted := ts.settings.ETrunks[tc.ID]
		if !wanted {
			continue
		}
		t := ts.add(tc.ID)
		_ = t.random.UnmarshalBinary(tc.Random) // after an error the generator keeps its seed
		t.cfg, t.TrunkKept = cfg, tc.Kept
		t.core.Resume(now, now.Sub(cp.At), cfg, tc.Session)
		ts.configureMembers(t)
		for _, mc := range tc.Members {
			if m := t.members[mc.EthTrunk]; m != nil {
				m.MemberKept = mc.Kept
			}
		}
	}
	ts.configure(now)
}

// receive passes a hello to its E-Trunk.
func (ts *trunks) receive(now instant.Time, ev HelloReceived) {
	t := ts.of(ev)
	if t == nil {
		ts.kept.Counters.HelloUnknown++
		return
	}
	t.core.Receive(now, ev.From, ev.VPN, ev.Packet)
}

// of returns the E-Trunk to which a hello belongs. A hello that is damaged, or names no
// E-Trunk of this device, goes to the first E-Trunk whose peer is the sender, so that it
// is counted there by its cause.
func (ts *trunks) of(ev HelloReceived) *trunk {
	id, err := etrunk.PeekID(ev.Packet)
	if t := ts.get(id); err == nil && t != nil {
		return t
	}
	for _, t := range ts.list {
		if slices.ContainsFunc(t.cfg.Paths(), func(p etrunk.Path) bool { return p.ComesFrom(ev.From, ev.VPN) }) {
			return t
		}
	}
	return nil
}

// setBFD gives the state of a BFD session to the E-Trunks that are bound to it.
func (ts *trunks) setBFD(now instant.Time, ev BFDChanged) {
	for _, t := range ts.list {
		if t.cfg.BFDSession == ev.Session {
			t.Heard = max(t.Heard, ev.Heard)
			t.core.SetBFD(now, ev.State)
		}
	}
}

// memberOf returns the member of an interface, nil if there is none: the member of its
// profile, else the member whose leg carries the interface.
func (ts *trunks) memberOf(p ProfileSettings, netdev string) *member {
	if t := ts.get(p.Member.ETrunk); t != nil && t.members[p.Member.EthTrunk] != nil {
		return t.members[p.Member.EthTrunk]
	}
	for _, t := range ts.list {
		for _, m := range sorted(t.members) {
			if m.leg.carries(netdev) {
				return m
			}
		}
	}
	return nil
}

// advance does what is due.
func (ts *trunks) advance(now instant.Time) {
	for _, t := range ts.list {
		t.core.Advance(now)
	}
}

// deadline returns when advance must be called next.
func (ts *trunks) deadline() (at instant.Time) {
	for _, t := range ts.list {
		at = instant.Earliest(at, t.core.Deadline())
	}
	return at
}
