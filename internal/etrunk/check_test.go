package etrunk

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func alike(a, b *Config) {
	for _, c := range []*Config{a, b} {
		c.LACP = LACPSystem{SystemID{0, 0xe0, 0xfc, 0, 0, 1}, 100}
		c.Members[0].Work = WorkLACP
		c.Profiles = []Profile{{Member: 10, BackupID: 10, Hot: true, MLD: true}}
	}
}

func TestDifferencesAreNamed(t *testing.T) {
	on := func(setting, local, peer string) []Difference {
		return []Difference{{"Eth-Trunk10", setting, local, peer}}
	}
	tests := []struct {
		name string
		edit func(b *Config)
		want []Difference
	}{
		{"nothing", func(*Config) {}, nil},
		{"what may differ", func(b *Config) {
			b.Priority, b.HelloInterval, b.Description = 33, 3*time.Second, "the other"
		}, nil},
		{"system ID", func(b *Config) { b.LACP.ID[5] = 2 },
			[]Difference{{"", "lacp e-trunk system-id", "00:e0:fc:00:00:01", "00:e0:fc:00:00:02"}}},
		{"priority", func(b *Config) { b.LACP.Priority = 200 }, []Difference{{"", "lacp e-trunk priority", "100", "200"}}},
		{"remote ID", func(b *Config) { b.Members[0].RemoteID = 11 }, on("remote-eth-trunk", "Eth-Trunk10", "Eth-Trunk11 for its Eth-Trunk10")},
		{"no member", func(b *Config) { b.Members, b.Profiles = nil, nil }, on("remote-eth-trunk", "Eth-Trunk10", "no Eth-Trunk10")},
		{"a member more", func(b *Config) { b.Members = append(b.Members, MemberConfig{ID: 12}) },
			[]Difference{{"", "remote-eth-trunk", "no Eth-Trunk12", "Eth-Trunk12 for its Eth-Trunk12"}}},
		{"work mode", func(b *Config) { b.Members[0].Work = WorkManual }, on("mode", "lacp-static", "manual")},
		{"work mode not told", func(b *Config) { b.Members[0].Work = WorkUnknown }, nil},
		{"member mode", func(b *Config) { b.Members[0].Mode = Auto }, on("e-trunk mode", "force-master", "auto")},
		{"forced either way", func(b *Config) { b.Members[0].Mode = ForceBackup }, nil},
		{"backup ID", func(b *Config) { b.Profiles[0].BackupID = 11 }, on("backup-id", "10", "11")},
		{"service type", func(b *Config) { b.Profiles[0].MLD = false }, on("service-type", "mld", "none")},
		{"not hot", func(b *Config) { b.Profiles[0].Hot = false }, on("peer-backup", "hot", "none")},
		{"security key", func(b *Config) { b.Key = []byte("other") }, []Difference{{Setting: "security-key"}}},
		{"authentication mode", func(b *Config) { b.AuthMode = HMACSHA256 }, []Difference{{Setting: "authentication-mode"}}},
		{"sequence", func(b *Config) { b.Sequence = true }, []Difference{{Setting: "sequence enable"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPair(t, func(a, b *Config) { alike(a, b); tt.edit(b) })
			p.run(time.Second)
			s := p.state(0)
			if d := cmp.Diff(tt.want, s.Differences); d != "" || !s.Compared {
				t.Errorf("compared %v (-want +got):\n%s", s.Compared, d)
			}
			told := func() (kinds []EventKind) {
				for _, e := range p.nodes[0].events {
					if e.Kind == ConfigDiffers || e.Kind == ConfigAgrees {
						kinds = append(kinds, e.Kind)
					}
				}
				return kinds
			}
			var want []EventKind
			if len(tt.want) > 0 {
				want = append(want, ConfigDiffers)
			}
			p.run(time.Minute)
			if !slices.Equal(told(), want) {
				t.Fatalf("told %v, want %v", told(), want)
			}
			// A difference that is corrected is reported once.
			p.nodes[1].cfg = p.nodes[0].cfg
			p.nodes[1].cfg.Local, p.nodes[1].cfg.Peer, p.nodes[1].cfg.DeviceID = addrB, addrA, 0xb
			p.boot(1)
			p.run(time.Minute)
			if len(want) > 0 {
				want = append(want, ConfigAgrees)
			}
			if s := p.state(0); !slices.Equal(told(), want) || len(s.Differences) != 0 || !s.PeerAlive {
				t.Errorf("mended: told %v, want %v, differences %v, alive %v", told(), want, s.Differences, s.PeerAlive)
			}
		})
	}
}

func TestKeysAreComparedWhileBothLegsAreUp(t *testing.T) {
	p := newPair(t, alike)
	p.announce(0, Announcement{Up: true, Key: 0x1021})
	p.announce(1, Announcement{Key: 1})
	p.run(time.Second)
	if d := p.state(0).Differences; len(d) != 0 {
		t.Errorf("leg down: %v", d)
	}
	p.announce(1, Announcement{Up: true, Key: 0x1009})
	p.run(time.Second)
	if d := p.state(0).Differences; len(d) != 1 || d[0].String() != "Eth-Trunk10 LACP key (4129 here, 4105 at the peer)" {
		t.Errorf("%v", d)
	}
}

// TestDifferenceOfALostPeerStays: when the peer is lost, its differences are neither reported
// again nor cleared.
func TestDifferenceOfALostPeerStays(t *testing.T) {
	p := newPair(t, func(a, b *Config) { alike(a, b); b.LACP.Priority = 1 })
	p.run(time.Second)
	p.nodes[1].dead = true
	p.clearEvents()
	p.run(time.Hour)
	for _, e := range p.nodes[0].events {
		if e.Kind == ConfigAgrees || e.Kind == ConfigDiffers {
			t.Errorf("told of a lost peer: %v", e)
		}
	}
	if d := p.state(0).Differences; len(d) != 1 || !strings.Contains(d[0].String(), "lacp e-trunk priority") {
		t.Errorf("%v", d)
	}
}

// TestProfilesOfAMember: a device that replicates for a member finds out whether the peer
// replicates, too, under one of its backup IDs.
func TestProfilesOfAMember(t *testing.T) {
	hot := func(ids ...uint32) (list []Profile) {
		for _, id := range ids {
			list = append(list, Profile{Member: 10, BackupID: id, Hot: true, MLD: true})
		}
		return list
	}
	for name, tt := range map[string]struct {
		mine, theirs              []Profile
		wantReplicates, wantOther bool
	}{
		"neither":                    {nil, nil, false, false},
		"both":                       {hot(10), hot(10), true, false},
		"one more here":              {hot(10, 20), hot(10), true, false},
		"one more there":             {hot(10), hot(10, 20), true, false},
		"other IDs":                  {hot(10), hot(11), true, true},
		"only the peer":              {nil, hot(10), true, false},
		"the peer has no MLD in its": {hot(10), []Profile{{Member: 10, BackupID: 10, Hot: true}}, false, false},
		"of another member":          {hot(10), []Profile{{Member: 20, BackupID: 11, Hot: true, MLD: true}}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, func(a, b *Config) { alike(a, b); a.Profiles, b.Profiles = tt.mine, tt.theirs })
			p.run(time.Second)
			if m := p.state(0).Members[0]; m.PeerReplicates != tt.wantReplicates || m.ProfilesDiffer != tt.wantOther {
				t.Errorf("peer replicates %v, under other IDs %v", m.PeerReplicates, m.ProfilesDiffer)
			}
		})
	}
}
