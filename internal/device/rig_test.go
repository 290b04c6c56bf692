package device

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"tandem/internal/etrunk"
	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/rbs"
)

// rig is a device with two replicated interfaces. The test plays its environment.
type rig struct {
	t   testing.TB
	now instant.Time
	dev *Device
	// legs holds the leg changes that the device has requested.
	legs []LegChange
	// sent holds the MLD messages that it has sent.
	sent []SendMLD
}

// take takes the device's effects, and keeps the leg changes and the MLD messages.
func (r *rig) take() {
	fx := r.dev.Effects()
	r.legs, r.sent = append(r.legs, fx.Legs...), append(r.sent, fx.MLD...)
}

func newRig(t testing.TB) *rig { return boot(t, 7, rigSettings()) }

// newPeer returns the device at the other end of a rig's service.
func newPeer(t testing.TB) *rig { return newPeerAhead(t, 0) }

// newPeerAhead is newPeer with a clock that is ahead.
func newPeerAhead(t testing.TB, by time.Duration) *rig {
	s := rigSettings()
	svc := s.Services["rbs1"]
	svc.Local, svc.Peer = svc.Peer, svc.Local
	s.Services["rbs1"] = svc
	return bootAhead(t, 8, s, by)
}

func boot(t testing.TB, id uint64, s Settings) *rig { return bootAhead(t, id, s, 0) }

func bootAhead(t testing.TB, id uint64, s Settings, by time.Duration) *rig {
	origin := instant.FromOrigin(0)
	r := &rig{t: t, now: origin, dev: New(id, id, time.Unix(1_700_000_000, 0).Add(by), origin)}
	for i, netdev := range []string{"up0", "eth-trunk10", "eth-trunk10.100"} {
		r.handle(LinkChanged{Netdev: netdev, Exists: true, Index: i + 1, AdminUp: true, Up: true, Heard: true,
			LinkLocal: netip.MustParseAddr(fmt.Sprintf("fe80::a:%x", i))})
	}
	r.configure(s)
	return r
}

func rigSettings() Settings {
	cfg := etrunk.DefaultConfig()
	cfg.ID, cfg.Key, cfg.DeviceID = 1, []byte("key"), 7
	cfg.Local, cfg.Peer = netip.MustParseAddr("2001:db8::a"), netip.MustParseAddr("2001:db8::b")
	cfg.Members = []etrunk.MemberConfig{{ID: 10, Mode: etrunk.ForceMaster}}
	member := Member{1, 10}
	profile := ProfileSettings{BackupID: 10, Service: "rbs1", Member: member, MLD: true, Hot: true}
	return Settings{
		Interfaces: map[string]InterfaceSettings{
			"up0":             {Netdev: "up0", Upstream: true, MLD: mld.DefaultConfig()},
			"Eth-Trunk10":     {Netdev: "eth-trunk10", MLD: mld.DefaultConfig(), Profile: "rbp1"},
			"Eth-Trunk10.100": {Netdev: "eth-trunk10.100", MLD: mld.DefaultConfig(), Profile: "rbp1", SubInterface: 100},
		},
		ETrunks: map[uint32]etrunk.Config{1: cfg},
		Legs:    map[Member]LegSettings{member: {Netdev: "eth-trunk10"}},
		Services: map[string]ServiceSettings{"rbs1": {
			Config:    rbs.Config{Name: "rbs1", Local: cfg.Local, Peer: cfg.Peer, Port: rbs.DefaultPort, Enabled: true},
			Retention: 600 * time.Second,
		}},
		Profiles: map[string]ProfileSettings{"rbp1": profile},
	}
}

func (r *rig) configure(s Settings) {
	r.t.Helper()
	if err := r.dev.Configure(r.now, s); err != nil {
		r.t.Fatal(err)
	}
	r.take()
}

func (r *rig) handle(ev Event) {
	r.dev.Handle(r.now, ev)
	r.take()
}

// pass lets time pass, from deadline to deadline.
func (r *rig) pass(d time.Duration) {
	for end := r.now.Add(d); ; {
		at := r.dev.Deadline()
		if !at.IsDue(end) {
			r.now = end
			return
		}
		r.now = max(r.now, at)
		r.dev.Advance(r.now)
		r.take()
	}
}

// report makes a host behind an interface report a record of a group.
func (r *rig) report(netdev string, host, group int, rec mld.GroupRecord) {
	rec.Group = groupOf(group)
	r.handle(&MLDReceived{
		Netdev: netdev,
		Meta:   mld.Meta{Src: hostOf(host), Dst: mld.AllMLDv2Routers, HopLimit: 1, RouterAlert: true},
		Packet: &mld.Packet{Type: mld.TypeReportV2, Records: []mld.GroupRecord{rec}},
	})
}

func hostOf(i int) netip.Addr  { return netip.MustParseAddr(fmt.Sprintf("fe80::1:%x", i+1)) }
func groupOf(i int) netip.Addr { return netip.MustParseAddr(fmt.Sprintf("ff1e::%x", i+1)) }
