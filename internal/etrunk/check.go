package etrunk

import (
	"fmt"
	"slices"
	"strings"
)

// Difference is a setting that should be the same on both devices and is not.
type Difference struct {
	// Where is the object here, empty for the E-Trunk as a whole.
	Where string `name:"object"`
	// Setting is the setting, in the words of its command.
	Setting string `name:"setting"`
	// Local and Peer are its values on the two devices, empty if not known.
	Local string `name:"local"`
	Peer  string `name:"peer"`
}

func (d Difference) String() string {
	name := d.Setting
	if d.Where != "" {
		name = d.Where + " " + d.Setting
	}
	switch {
	case d.Local == "" && d.Peer == "":
		return name
	case d.Local == "":
		return fmt.Sprintf("%s (%s at the peer)", name, d.Peer)
	}
	return fmt.Sprintf("%s (%s here, %s at the peer)", name, d.Local, d.Peer)
}

// refusals holds the settings that, if they differ, make each device refuse the other's
// hellos. So this device learns of the difference only from the cause of the refusal.
var refusals = map[Cause]string{
	CauseBadDigest:   "security-key",
	CauseBadAuthMode: "authentication-mode",
	CauseBadSequence: "sequence enable",
}

// noteRefusal records why this device refuses the hellos of a peer that is not alive.
func (t *Trunk) noteRefusal(cause Cause, fx *Effects) {
	setting, ok := refusals[cause]
	if !ok || t.kept.Peer.Alive {
		return
	}
	t.tellDifferences([]Difference{{Setting: setting}}, fx)
}

// checkPeer compares the settings with those of a live peer. The differences from a lost
// peer stay as they were.
func (t *Trunk) checkPeer(fx *Effects) {
	if t.kept.Peer.Alive {
		t.tellDifferences(t.differences(), fx)
	}
}

func (t *Trunk) tellDifferences(now []Difference, fx *Effects) {
	fx.Changed = fx.Changed || !t.kept.Compared
	t.kept.Compared = true
	if slices.Equal(now, t.kept.Differences) {
		return
	}
	t.kept.Differences = now
	fx.Changed = true
	if len(now) == 0 {
		fx.Events = append(fx.Events, Event{Kind: ConfigAgrees})
		return
	}
	names := make([]string, len(now))
	for i, d := range now {
		names[i] = d.String()
	}
	fx.Events = append(fx.Events, Event{Kind: ConfigDiffers, Detail: strings.Join(names, "; ")})
}

// comparison collects differences.
type comparison []Difference

func (c *comparison) add(where, setting, local, peer string) {
	if local != peer {
		*c = append(*c, Difference{where, setting, local, peer})
	}
}

// differences compares the settings of this device with those of a live peer. It leaves
// out a setting that one of the two does not send, because its release is older or the
// Eth-Trunk is not configured.
func (t *Trunk) differences() []Difference {
	var c comparison
	mine, theirs := t.cfg.LACP, t.kept.Peer.Hello.LACP
	if mine != (LACPSystem{}) && theirs != (LACPSystem{}) {
		c.add("", "lacp e-trunk system-id", mine.ID.String(), theirs.ID.String())
		c.add("", "lacp e-trunk priority", fmt.Sprint(mine.Priority), fmt.Sprint(theirs.Priority))
	}
	for _, m := range t.members {
		if p, ok := t.peerMember(m); ok {
			t.compareMember(&c, m, p)
		} else {
			t.compareNumbers(&c, m)
		}
	}
	for i := range t.kept.Peer.Hello.Members {
		if p := &t.kept.Peer.Hello.Members[i]; t.member(p.Remote) == nil && !t.namesRemote(p.ID) {
			c.add("", "remote-eth-trunk", "no "+ethTrunk(p.Remote), fmt.Sprintf("%s for its %s", ethTrunk(p.Remote), ethTrunk(p.ID)))
		}
	}
	return c
}

func ethTrunk(id uint32) string { return fmt.Sprintf("Eth-Trunk%d", id) }

// namesRemote reports whether a local member is configured with this member of the peer
// as its remote.
func (t *Trunk) namesRemote(id uint32) bool {
	return slices.ContainsFunc(t.members, func(m *member) bool { return m.remote() == id })
}

// compareNumbers adds a difference that explains why a member has no counterpart at the
// peer.
func (t *Trunk) compareNumbers(c *comparison, m *member) {
	theirs := "no " + ethTrunk(m.remote())
	for _, p := range t.kept.Peer.Hello.Members {
		if p.ID == m.remote() {
			theirs = fmt.Sprintf("%s for its %s", ethTrunk(p.Remote), ethTrunk(p.ID))
		}
	}
	c.add(ethTrunk(m.ID), "remote-eth-trunk", ethTrunk(m.remote()), theirs)
}

func (t *Trunk) compareMember(c *comparison, m *member, p *HelloMember) {
	where := ethTrunk(m.ID)
	if m.Work != WorkUnknown && p.Work != WorkUnknown {
		c.add(where, "mode", m.Work.String(), p.Work.String())
	}
	if forced := m.Mode != Auto && p.Mode != Auto; !forced { // one device may be forced Master and the other Backup
		c.add(where, "e-trunk mode", m.Mode.String(), p.Mode.String())
	}
	// The LACP keys contain the speed of the ports, which is unknown while a leg is down.
	if m.Local.Up && p.Up && m.Local.Key != 0 && p.Key != 0 {
		c.add(where, "LACP key", fmt.Sprint(m.Local.Key), fmt.Sprint(p.Key))
	}
	mine, theirs := profilesOf(t.cfg.Profiles, m.ID), profilesOf(t.kept.Peer.Hello.Profiles, p.ID)
	if t.kept.Peer.Hello.LACP == (LACPSystem{}) && len(theirs) == 0 {
		return
	}
	each := func(name string, show func(Profile) string) {
		c.add(where, name, list(mine, show), list(theirs, show))
	}
	each("backup-id", func(p Profile) string { return fmt.Sprint(p.BackupID) })
	each("service-type", func(p Profile) string { return word(p.MLD, "mld") })
	each("peer-backup", func(p Profile) string { return word(p.Hot, "hot") })
}

// compareProfiles compares the backup profiles of a member. peerReplicates says that the
// peer replicates for the member. differ says that both devices do, but have no backup ID
// in common, so neither accepts records of the other.
func (t *Trunk) compareProfiles(m *member, p *HelloMember) (peerReplicates, differ bool) {
	mine, theirs := replicating(t.cfg.Profiles, m.ID), replicating(t.kept.Peer.Hello.Profiles, p.ID)
	shared := slices.ContainsFunc(mine, func(id uint32) bool { return slices.Contains(theirs, id) })
	return len(theirs) > 0, len(mine) > 0 && len(theirs) > 0 && !shared
}

// replicating returns the backup IDs of a member's profiles that are set to replicate, in
// ascending order.
func replicating(all []Profile, member uint32) (ids []uint32) {
	for _, p := range profilesOf(all, member) {
		if p.MLD && p.Hot {
			ids = append(ids, p.BackupID)
		}
	}
	return ids
}

// profilesOf returns the profiles of one member, by backup ID.
func profilesOf(all []Profile, member uint32) []Profile {
	var found []Profile
	for _, p := range all {
		if p.Member == member {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b Profile) int { return int(int64(a.BackupID) - int64(b.BackupID)) })
	return found
}

func list(profiles []Profile, show func(Profile) string) string {
	if len(profiles) == 0 {
		return "no profile"
	}
	words := make([]string, len(profiles))
	for i, p := range profiles {
		words[i] = show(p)
	}
	return strings.Join(words, ", ")
}

func word(on bool, name string) string {
	if on {
		return name
	}
	return "none"
}
