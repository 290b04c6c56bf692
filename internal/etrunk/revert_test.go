package etrunk

import (
	"testing"
	"time"
)

var unready = Announcement{Up: true}

// yielded returns a pair whose Master was ready and has lost its readiness. The Backup has
// taken over.
func yielded(t *testing.T, edit func(a, b *Config)) *pair {
	p := autoPair(t, edit)
	p.run(time.Second)
	p.announce(0, unready)
	p.run(10 * time.Millisecond)
	p.wantServing(1)
	return p
}

// A Master that cannot send any more leaves the leg to a peer that can. It takes the leg
// back when it is ready and the revert delay is over.
func TestMasterYieldsWhenNotReady(t *testing.T) {
	p := yielded(t, nil)
	p.run(10 * time.Minute)
	p.wantDevice(0, DeviceMaster, ReasonPriority)
	p.wantMember(0, MemberBackup, ReasonPeerMemberUp)
	if m := p.state(0).Members[0]; !m.Held || m.RevertLeft != 0 {
		t.Errorf("%+v", m)
	}
	p.announce(0, serving)
	p.run(10 * time.Millisecond)
	p.wantServing(0)
	// The second time is like the first. A device that is ready again at once still waits
	// for the delay.
	p.announce(0, unready)
	p.run(10 * time.Millisecond)
	p.announce(0, serving)
	p.run(119 * time.Second)
	p.wantMember(0, MemberBackup, ReasonPeerMemberUp)
	p.run(2 * time.Second)
	p.wantMember(0, MemberMaster, ReasonPeerMemberDown)
}

// A command of the operator ends the revert delay. It also ends the wait under `revert
// disable`.
func TestYieldedLegIsTakenBackOnRequest(t *testing.T) {
	for _, disable := range []bool{false, true} {
		p := yielded(t, func(a, b *Config) { a.RevertDisable = disable })
		p.announce(0, serving)
		p.run(time.Second)
		p.wantMember(0, MemberBackup, ReasonPeerMemberUp)
		p.do(0, func(n *node) { n.EndRevert(p.now, 10, &n.fx) })
		p.run(10 * time.Millisecond)
		p.wantServing(0)
	}
}

// The peer is not ready while it raises its leg. The member does not take back a leg that
// it cannot serve. It takes the leg back when it is ready and the peer still is not.
func TestYieldedLegWhileThePeerRaisesIts(t *testing.T) {
	p := autoPair(t, nil)
	p.announce(1, Announcement{Ready: true}) // would be ready if its leg were up
	p.run(time.Second)
	p.announce(0, unready)
	for _, raising := range []Announcement{{}, unready} {
		p.announce(1, raising)
		p.run(10 * time.Second)
		p.wantServing(1)
	}
	p.announce(0, serving)
	p.run(10 * time.Millisecond)
	p.wantServing(0)
}

// The peer has taken over and then fails. The leg returns to the Master, because no other
// device is left.
func TestYieldedLegComesBackFromAPeerThatFails(t *testing.T) {
	p := yielded(t, nil)
	p.run(time.Second)
	p.announce(1, Announcement{})
	p.run(10 * time.Millisecond)
	p.wantMember(0, MemberMaster, ReasonPeerMemberDown)
}

func TestMasterDoesNotYieldInVain(t *testing.T) {
	p := autoPair(t, nil)
	p.run(time.Second)
	p.announce(1, unready)
	p.run(10 * time.Millisecond)
	p.announce(0, unready)
	p.run(10 * time.Minute)
	p.wantServing(0)
}

// A new Master that is not ready has some time to become ready, because LACP needs it. If it
// does not become ready in that time, it yields.
func TestMasterThatIsNeverReadyYields(t *testing.T) {
	p := autoPair(t, nil)
	p.announce(0, unready)
	p.run(yieldAfter)
	p.wantServing(0)
	p.run(100 * time.Millisecond)
	p.wantServing(1)
}

// A peer that serves gives the leg back only to a Master that is ready.
func TestLegIsGivenBackToOneThatIsReady(t *testing.T) {
	p := yielded(t, func(a, b *Config) { a.RevertDelay = 0 })
	p.announce(0, serving)
	p.do(0, func(*node) {}) // now Master; its leg is still joining the aggregate
	p.announce(0, unready)
	p.run(time.Second)
	p.wantMember(0, MemberMaster, ReasonETrunkMaster)
	p.wantMember(1, MemberMaster, ReasonPeerMemberDown)
	p.announce(0, serving)
	p.run(10 * time.Millisecond)
	p.wantServing(0)
}

// Besides a force-master member that is not ready, an auto member serves, on either device.
func TestForcedMasterThatIsNotReady(t *testing.T) {
	p := autoPair(t, func(a, b *Config) { a.Members[0].Mode = ForceMaster })
	p.run(time.Second)
	for range 2 {
		p.wantMember(0, MemberMaster, ReasonForceMaster)
		p.wantMember(1, MemberBackup, ReasonPeerMemberUp)
		p.announce(0, unready)
		p.run(10 * time.Millisecond)
		p.wantMember(0, MemberMaster, ReasonForceMaster)
		p.wantMember(1, MemberMaster, ReasonPeerMemberDown)
		p.announce(1, unready) // B takes its leg up
		p.run(time.Second)
		p.wantMember(1, MemberMaster, ReasonPeerMemberDown)
		p.announce(1, serving)
		p.announce(0, serving)
		p.run(10 * time.Millisecond)
	}
	p = autoPair(t, func(a, b *Config) { b.Members[0].Mode = ForceMaster })
	p.run(time.Second)
	p.announce(0, unready)
	p.run(time.Second)
	p.wantMember(0, MemberMaster, ReasonETrunkMaster)
	p.wantMember(1, MemberMaster, ReasonForceMaster)
}

// The operator may force a member while it is held.
func TestHeldMemberIsForced(t *testing.T) {
	for mode, role := range map[MemberMode]MemberRole{ForceMaster: MemberMaster, ForceBackup: MemberBackup} {
		p := yielded(t, nil)
		p.configure(0, func(c *Config) { c.Members[0].Mode = mode })
		p.run(10 * time.Minute)
		if m := p.state(0).Members[0]; m.Role != role {
			t.Errorf("%+v", m)
		}
		p.configure(0, func(c *Config) { c.Members[0].Mode = Auto })
		p.announce(0, serving)
		p.run(3 * time.Minute)
		p.wantServing(0)
	}
}
