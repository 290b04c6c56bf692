package etrunk

import (
	"testing"
	"time"
)

var serving = Announcement{Up: true, Ready: true, Covers: AllBuckets}

// autoPair is a pair with Auto members whose legs are up.
func autoPair(t *testing.T, edit func(a, b *Config)) *pair {
	p := newPair(t, func(a, b *Config) {
		a.Members[0].Mode, b.Members[0].Mode = Auto, Auto
		if edit != nil {
			edit(a, b)
		}
	})
	p.announce(0, serving)
	p.announce(1, serving)
	return p
}

func TestMemberTable(t *testing.T) {
	modes := func(ma, mb MemberMode) func(a, b *Config) {
		return func(a, b *Config) { a.Members[0].Mode, b.Members[0].Mode = ma, mb }
	}
	tests := []struct {
		name  string
		edit  func(a, b *Config)
		event func(p *pair)
		// of the first member of A, the preferred device, and of B
		roleA   MemberRole
		reasonA MemberReason
		roleB   MemberRole
		reasonB MemberReason
	}{
		{"both force-master", modes(ForceMaster, ForceMaster), nil,
			MemberMaster, ReasonForceMaster, MemberMaster, ReasonForceMaster},
		{"both force-backup", modes(ForceBackup, ForceBackup), nil,
			MemberBackup, ReasonForceBackup, MemberBackup, ReasonForceBackup},
		{"force-master on the Master, peer force-backup", modes(ForceMaster, ForceBackup), nil,
			MemberMaster, ReasonForceMaster, MemberBackup, ReasonForceBackup},
		{"force-backup on the Master, peer force-master", modes(ForceBackup, ForceMaster), nil,
			MemberBackup, ReasonForceBackup, MemberMaster, ReasonForceMaster},
		{"auto on the Master, peer force-backup", modes(Auto, ForceBackup), nil,
			MemberMaster, ReasonPeerMemberDown, MemberBackup, ReasonForceBackup},
		{"auto, healthy", nil, nil,
			MemberMaster, ReasonPeerMemberDown, MemberBackup, ReasonPeerMemberUp},
		{"auto, Master's leg down", nil, func(p *pair) { p.announce(0, Announcement{}) },
			MemberMaster, ReasonETrunkMaster, MemberMaster, ReasonPeerMemberDown},
		{"auto, Backup's leg down", nil, func(p *pair) { p.announce(1, Announcement{}) },
			MemberMaster, ReasonPeerMemberDown, MemberBackup, ReasonPeerMemberUp},
		{"auto on the Master, peer force-master", modes(Auto, ForceMaster), nil,
			MemberMaster, ReasonETrunkMaster, MemberMaster, ReasonForceMaster},
		{"auto on the Backup, peer force-backup", modes(ForceBackup, Auto), nil,
			MemberBackup, ReasonForceBackup, MemberMaster, ReasonPeerMemberDown},
		{"auto on the Backup, peer force-master", modes(ForceMaster, Auto), nil,
			MemberMaster, ReasonForceMaster, MemberBackup, ReasonPeerMemberUp},
		{"auto, the peer has no such member", func(a, b *Config) { a.Members[0].RemoteID = 11 }, nil,
			MemberMaster, ReasonETrunkMaster, MemberMaster, ReasonPeerMemberDown},
		{"auto, different numbers", func(a, b *Config) { a.Members[0].RemoteID, b.Members[0] = 11, MemberConfig{ID: 11, RemoteID: 10} }, nil,
			MemberMaster, ReasonPeerMemberDown, MemberBackup, ReasonPeerMemberUp},
		{"auto, full tie", func(a, b *Config) { b.Priority = a.Priority }, nil,
			MemberMaster, ReasonETrunkMaster, MemberMaster, ReasonETrunkMaster},
		{"auto, Backup is told of the fault, then of the recovery", func(a, b *Config) { a.RevertDelay = 0 }, func(p *pair) {
			p.announce(0, Announcement{})
			p.run(100 * time.Millisecond)
			p.wantMember(1, MemberMaster, ReasonPeerMemberDown)
			p.announce(0, serving)
		}, MemberMaster, ReasonPeerMemberDown, MemberBackup, ReasonPeerMemberUp},
		{"auto, Master not ready", nil, func(p *pair) { p.announce(0, Announcement{Up: true}) },
			MemberBackup, ReasonPeerMemberUp, MemberMaster, ReasonPeerMemberDown},
		{"auto, peer device gone", nil, func(p *pair) { p.nodes[0].dead = true; p.bfd(1, BFDUp); p.bfd(1, BFDDown) },
			MemberMaster, ReasonPeerMemberDown, MemberMaster, ReasonETrunkMaster},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := autoPair(t, tt.edit)
			p.run(100 * time.Millisecond)
			if tt.event != nil {
				tt.event(p)
				p.run(100 * time.Millisecond)
			}
			p.wantMember(0, tt.roleA, tt.reasonA)
			p.wantMember(1, tt.roleB, tt.reasonB)
		})
	}
}

func TestAutoMemberDuringInit(t *testing.T) {
	p := autoPair(t, nil)
	p.wantMember(0, MemberBackup, ReasonETrunkInit)
}

func TestStartIsQuiet(t *testing.T) {
	// Two devices that start together must not first take the leg from each other.
	p := autoPair(t, nil)
	p.run(time.Minute)
	for i, n := range p.nodes {
		if c := n.count(MemberRoleChanged); c > 2 {
			t.Errorf("device %d: %v", i, n.events)
		}
		for _, e := range n.events {
			if i == 1 && e.Kind == MemberRoleChanged && e.MemberRole == MemberMaster {
				t.Errorf("device 1: %v", e)
			}
		}
	}
}

func TestRevertAfterARestart(t *testing.T) {
	p := autoPair(t, nil)
	p.run(time.Second)
	p.nodes[0].dead = true
	p.run(time.Minute)
	p.wantMember(1, MemberMaster, ReasonETrunkMaster)
	p.boot(0)
	p.announce(0, Announcement{Up: true})
	p.run(100 * time.Millisecond)
	held := func(when string) {
		t.Helper()
		p.wantDevice(0, DeviceMaster, ReasonPriority)
		p.wantServing(1)
		if !p.state(0).Members[0].Held {
			t.Errorf("%s: not held", when)
		}
	}
	held("returned")
	if left := p.state(0).Members[0].RevertLeft; left < 119*time.Second || left > 120*time.Second {
		t.Errorf("%v left", left)
	}
	p.run(119 * time.Second)
	held("just before the end")
	p.run(10 * time.Second)
	held("the delay is over, but it is not ready")
	p.announce(0, serving)
	p.run(100 * time.Millisecond)
	p.wantServing(0)
}

func TestRevertAfterALegReturns(t *testing.T) {
	p := autoPair(t, func(a, b *Config) { a.RevertDelay = 5 * time.Second })
	p.run(time.Second)
	p.announce(0, Announcement{Ready: true})
	p.run(time.Second)
	p.announce(0, serving)
	p.run(100 * time.Millisecond)
	p.wantServing(1)
	p.run(5 * time.Second)
	p.wantServing(0)
}

// A device takes the leg of a Backup down, and takes it up when the member becomes Master.
// This counts neither as a failure nor as a return of the leg.
func TestHeldLegTakenDownStaysHeld(t *testing.T) {
	p := autoPair(t, func(a, b *Config) { a.RevertDelay = 5 * time.Second })
	p.run(time.Second)
	p.announce(0, Announcement{Ready: true})
	p.run(time.Second)
	p.announce(0, serving)
	p.announce(0, Announcement{Ready: true})
	p.run(4 * time.Second)
	p.wantMember(0, MemberBackup, ReasonPeerMemberUp)
	p.run(2 * time.Second)
	p.wantMember(0, MemberMaster, ReasonETrunkMaster)
	p.announce(0, serving)
	p.run(100 * time.Millisecond)
	p.wantServing(0)
}

func TestRevertEndsWhenThePeerFails(t *testing.T) {
	for name, fail := range map[string]func(p *pair){
		"its leg":         func(p *pair) { p.announce(1, Announcement{}) },
		"its BFD session": func(p *pair) { p.bfd(0, BFDUp); p.bfd(0, BFDDown) },
		"silence":         func(p *pair) { p.nodes[1].dead = true; p.run(20 * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			p := autoPair(t, func(a, b *Config) { a.RevertDisable = true })
			p.run(time.Second)
			p.nodes[0].dead = true
			p.run(time.Minute)
			p.boot(0)
			p.announce(0, serving)
			p.run(time.Hour)
			p.wantMember(0, MemberBackup, ReasonPeerMemberUp)
			fail(p)
			p.run(10 * time.Millisecond)
			if m := p.state(0).Members[0]; m.Role != MemberMaster {
				t.Errorf("member %+v", m)
			}
		})
	}
}

func TestRevertDisableUndone(t *testing.T) {
	p := autoPair(t, func(a, b *Config) { a.RevertDisable = true })
	p.run(time.Second)
	p.nodes[0].dead = true
	p.run(time.Minute)
	p.boot(0)
	p.announce(0, serving)
	p.run(time.Hour)
	p.configure(0, func(c *Config) { c.RevertDisable = false })
	p.run(119 * time.Second)
	p.wantMember(0, MemberBackup, ReasonPeerMemberUp)
	p.run(2 * time.Second)
	p.wantMember(0, MemberMaster, ReasonPeerMemberDown)
}

func TestNoRevertDelay(t *testing.T) {
	p := autoPair(t, func(a, b *Config) { a.RevertDelay = 0 })
	p.run(time.Second)
	p.announce(0, Announcement{Ready: true})
	p.run(time.Second)
	p.announce(0, serving)
	p.run(10 * time.Millisecond)
	p.wantServing(0)
}

func TestBFDDownIsPeerLostAtOnce(t *testing.T) {
	p := newPair(t, nil)
	p.bfd(1, BFDPending)
	p.run(time.Second)
	p.bfd(1, BFDUp)
	p.run(time.Second)
	p.bfd(1, BFDDown)
	p.wantDevice(1, DeviceMaster, ReasonBFDDown)
	if s := p.state(1); s.PeerAlive || s.Members[0].PeerKnown {
		t.Error("the peer is still believed in")
	}
}

func TestBFDUpRevivesAtOnce(t *testing.T) {
	p := newPair(t, nil)
	p.run(time.Second)
	for i := range 2 {
		p.bfd(i, BFDUp)
		p.run(300 * time.Millisecond)
	}
	p.cut()
	p.bfd(0, BFDDown)
	p.bfd(1, BFDDown)
	p.run(5 * time.Second)
	p.wantDevice(0, DeviceMaster, ReasonBFDDown)
	p.wantDevice(1, DeviceMaster, ReasonBFDDown)
	p.heal()
	p.clearEvents()
	p.run(5 * time.Second)
	p.wantDevice(1, DeviceMaster, ReasonBFDDown) // hellos alone do not make the peer alive
	for i := range 2 {
		p.bfd(i, BFDUp)
	}
	p.run(10 * time.Millisecond)
	p.wantDevice(0, DeviceMaster, ReasonPriority)
	p.wantDevice(1, DeviceBackup, ReasonPriority)
	for _, e := range p.nodes[0].events {
		if e.Kind == DeviceRoleChanged && e.Role == DeviceBackup {
			t.Errorf("the better device gave way on the way: %v", e)
		}
	}
}

func TestBrokenBFDAloneDoesNotSplitForEver(t *testing.T) {
	p := newPair(t, nil)
	p.run(time.Second)
	for i := range 2 {
		p.bfd(i, BFDUp)
		p.bfd(i, BFDDown)
	}
	p.run(19 * time.Second)
	p.wantDevice(0, DeviceMaster, ReasonBFDDown)
	p.wantDevice(1, DeviceMaster, ReasonBFDDown)
	p.run(3 * time.Second)
	p.wantDevice(0, DeviceMaster, ReasonPriority)
	p.wantDevice(1, DeviceBackup, ReasonPriority)
	p.run(time.Hour)
	p.wantDevice(1, DeviceBackup, ReasonPriority)
}

func TestBFDUnboundOrShutLetsHellosDecide(t *testing.T) {
	for _, s := range []BFDState{BFDUnbound, BFDPending} {
		p := newPair(t, nil)
		p.run(time.Second)
		p.bfd(1, BFDUp)
		p.bfd(1, BFDDown)
		p.bfd(1, s)
		p.run(10 * time.Millisecond)
		p.wantDevice(1, DeviceBackup, ReasonPriority)
	}
}

func TestPeerTimeout(t *testing.T) {
	// A does not lose B's hellos, but B receives none of A's. B becomes Master by itself,
	// and A becomes Backup.
	p := newPair(t, nil)
	p.run(5 * time.Second)
	p.delay = func(from int, _ []byte) (time.Duration, bool) { return wire, from == 1 }
	p.run(25 * time.Second)
	p.wantDevice(1, DeviceMaster, ReasonTimeout)
	p.wantDevice(0, DeviceBackup, ReasonPeerTimeout)
	if !p.state(0).PeerAlive {
		t.Error("A hears B, yet holds it for lost")
	}
	p.heal()
	p.run(2 * time.Second)
	p.wantDevice(0, DeviceMaster, ReasonPriority)
	p.wantDevice(1, DeviceBackup, ReasonPriority)
}

func TestPeerTimeoutByOneSidedBFD(t *testing.T) {
	p := newPair(t, nil)
	p.bfd(1, BFDUp)
	p.run(5 * time.Second)
	p.bfd(1, BFDDown)
	p.run(10 * time.Millisecond)
	p.wantDevice(1, DeviceMaster, ReasonBFDDown)
	p.wantDevice(0, DeviceBackup, ReasonPeerTimeout)
}
