package console

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"tandem/internal/bfd"
	"tandem/internal/config"
	"tandem/internal/device"
	"tandem/internal/echo"
	"tandem/internal/etrunk"
	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/rbs"
	"tandem/internal/state"
)

// fakeRouter is a Backend on virtual time. Its E-Trunks and MLD routers are the real
// ones; channels and BFD sessions are only shown as configured.
type fakeRouter struct {
	id   uint64
	addr netip.Addr
	now  instant.Time

	mu      sync.Mutex
	refuse  error // error of Apply
	model   *config.Model
	trunks  map[uint32]*etrunk.Trunk
	routers map[config.InterfaceName]*mld.Router
	calls   []string
	peer    *fakeRouter
}

func newFakeRouter(id uint64, addr string) *fakeRouter {
	return &fakeRouter{id: id, addr: netip.MustParseAddr(addr), now: instant.FromOrigin(0), model: config.New(),
		trunks: map[uint32]*etrunk.Trunk{}, routers: map[config.InterfaceName]*mld.Router{}}
}

// Apply configures the cores again.
func (r *fakeRouter) Apply(m *config.Model) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse != nil {
		return r.refuse
	}
	r.model = m
	var fx etrunk.Effects
	for id, t := range m.ETrunks {
		if r.trunks[id] == nil {
			r.trunks[id] = etrunk.New(rand.New(rand.NewPCG(r.id, uint64(id))))
		}
		if err := r.trunks[id].Configure(r.now, r.trunkConfig(m, t), &fx); err != nil {
			return fmt.Errorf("E-Trunk %d: %w", id, err)
		}
		for _, member := range m.Members(id) {
			r.trunks[id].Announce(r.now, member.EthTrunk, etrunk.Announcement{Up: true, Ready: true, Covers: etrunk.AllBuckets}, &fx)
		}
	}
	var mfx mld.Effects
	for name, i := range m.Interfaces {
		switch router := r.routers[name]; {
		case !i.MLD.Enabled:
		case router == nil:
			router := mld.NewRouter(mldOf(m, i), r.id, r.now)
			router.SetLink(r.now, netip.MustParseAddr("fe80::1"), true, &mfx)
			r.routers[name] = router
		default:
			router.SetConfig(r.now, mldOf(m, i), &mfx)
		}
	}
	return nil
}

func (r *fakeRouter) trunkConfig(m *config.Model, t *config.ETrunk) etrunk.Config {
	conf := etrunk.DefaultConfig()
	conf.ID, conf.Priority, conf.Key, conf.Local, conf.Peer = t.ID, t.Priority, t.Key.Reveal(), t.Local, t.Peer
	conf.Heartbeats = t.Heartbeats
	conf.SystemID, conf.DeviceID, conf.Description = etrunk.SystemID{0, 0xe0, 0xfc, 0, 0, byte(r.id)}, r.id, t.Description
	if s, err := m.BoundSession(t); err == nil && s != nil {
		conf.BFDSession = s.Name
	}
	for _, member := range m.Members(t.ID) {
		conf.Members = append(conf.Members, etrunk.MemberConfig{ID: member.EthTrunk, RemoteID: member.RemoteEthTrunk,
			Mode: member.Mode})
	}
	return conf
}

// run lets virtual time pass for two connected routers.
func run(t *testing.T, a, b *fakeRouter, d time.Duration) {
	t.Helper()
	const tick = 10 * time.Millisecond
	for end := a.now.Add(d); a.now < end; {
		for _, r := range []*fakeRouter{a, b} {
			r.now = r.now.Add(tick)
			for id, trunk := range r.trunks {
				var fx etrunk.Effects
				trunk.Advance(r.now, &fx)
				deliver(t, r, r.peer, id, fx.Packets)
			}
		}
	}
}

func deliver(t *testing.T, from, to *fakeRouter, id uint32, packets [][]byte) {
	t.Helper()
	trunk := to.trunks[id]
	if trunk == nil {
		return
	}
	for _, p := range packets {
		var fx etrunk.Effects
		if err := trunk.Receive(to.now, from.addr, "", p, &fx); err != nil {
			t.Fatalf("hello of %v: %v", from.addr, err)
		}
		deliver(t, to, from, id, fx.Packets)
	}
}

func (r *fakeRouter) Snapshot() state.Device {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := device.Snapshot{DeviceID: r.id, Uptime: r.now.SinceOrigin()}
	for _, trunk := range r.trunks {
		state := trunk.State(r.now)
		s.ETrunks = append(s.ETrunks, state)
		for _, m := range state.Members {
			s.Members = append(s.Members, device.MemberSnapshot{Member: device.Member{ETrunk: state.ID, EthTrunk: m.ID},
				Duty: device.Duty{Kind: device.DutyShared, Covers: etrunk.Bucket0}, NotReady: "no upstream interface"})
		}
	}
	for _, c := range r.model.Services {
		s.Services = append(s.Services, rbs.State{Name: c.Name, Peer: c.Peer, Local: c.Local, Port: c.Port})
	}
	for _, p := range r.model.Profiles {
		s.Profiles = append(s.Profiles, device.ProfileSnapshot{Name: p.Name, Service: p.Service, BackupID: p.BackupID,
			ETrunk: p.ETrunk, EthTrunk: p.EthTrunk, MLD: p.MLD, Hot: p.Hot})
	}
	for name, router := range r.routers {
		s.Interfaces = append(s.Interfaces, device.InterfaceSnapshot{Name: string(name), Netdev: name.Netdev(), Up: true,
			MLD: router.State(r.now), Duty: device.Duty{Kind: device.DutyShared, Covers: etrunk.Bucket0}})
	}
	return state.DeviceOf(s)
}

// join makes a host join a group by a real report.
func (r *fakeRouter) join(t *testing.T, name config.InterfaceName, host, group, source netip.Addr) {
	t.Helper()
	var p mld.Packet
	b := mld.AppendReport(nil, []mld.GroupRecord{{Type: mld.AllowNewSources, Group: group, Sources: []netip.Addr{source}}})
	mld.SetChecksum(host, mld.AllMLDv2Routers, b)
	if err := p.Parse(b); err != nil {
		t.Fatal(err)
	}
	var fx mld.Effects
	meta := mld.Meta{Src: host, Dst: mld.AllMLDv2Routers, HopLimit: 1, RouterAlert: true}
	if err := r.routers[name].Receive(r.now, mld.Version{Clock: 1, Device: r.id}, meta, &p, &fx); err != nil {
		t.Fatal(err)
	}
}

func (r *fakeRouter) Groups(iface string, _ bool) []state.Group {
	router := r.routers[config.InterfaceName(iface)]
	var out []state.Group
	for group := range router.Groups() {
		if g, ok := router.GroupState(r.now, group); ok {
			out = append(out, state.GroupOf(g))
		}
	}
	slices.SortFunc(out, func(a, b state.Group) int { return a.Group.Compare(b.Group) })
	return out
}

func (r *fakeRouter) Redundancy() state.Redundancy {
	s := r.Snapshot()
	return state.RedundancyOf(&s, state.PeerTold{})
}

func (r *fakeRouter) Routes() []state.Route { return sampleRoutes()[:1] }

func (r *fakeRouter) BFD() []state.BFDSession {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []bfd.SessionState
	for _, s := range r.model.Sessions {
		out = append(out, bfd.SessionState{State: bfd.Down, Config: bfd.Config{Name: s.Name, Peer: s.Peer, Local: s.Local,
			Interface: s.Interface.Netdev(), LocalDiscriminator: s.LocalDiscriminator, RemoteDiscriminator: s.RemoteDiscriminator,
			MinTx: s.MinTx, MinRx: s.MinRx, DetectMult: s.DetectMult}})
	}
	return state.BFDSessionsOf(out)
}

func (r *fakeRouter) BFDStatistics() state.BFDStatistics {
	return state.BFDStatistics{Priority: "SCHED_FIFO"}
}

func (r *fakeRouter) Switchover(id uint32, on bool) error {
	if r.trunks[id] == nil {
		return fmt.Errorf("E-Trunk %d does not exist", id)
	}
	r.calls = append(r.calls, fmt.Sprintf("switchover %d %v", id, on))
	return nil
}

func (r *fakeRouter) ResetGroups(iface string, group netip.Addr) error {
	r.calls = append(r.calls, fmt.Sprint("reset ", iface, " ", group))
	return nil
}

func (r *fakeRouter) UnicastRoutes(vpn string) ([]state.UnicastRoute, error) {
	if vpn != "" {
		return nil, errors.New("no VRF")
	}
	return sampleUnicastRoutes(), nil
}

func (r *fakeRouter) BatchBackup(service string) error {
	r.calls = append(r.calls, "batch-backup "+service)
	return nil
}

// Ping gives replies from the peer's address, except for the second request of each
// series.
func (r *fakeRouter) Ping(_ context.Context, p echo.Request, told func(echo.Reply)) error {
	if p.Source.IsValid() && p.Source != r.addr {
		return fmt.Errorf("ping from %v: cannot assign requested address", p.Source)
	}
	for n := range p.Count {
		reply := echo.Reply{Sequence: n + 1, Size: p.Size, Err: os.ErrDeadlineExceeded}
		if p.Destination == r.peer.addr && n != 1 {
			reply.Err, reply.From, reply.HopLimit, reply.RTT = nil, p.Destination, 64, time.Duration(n+1)*time.Millisecond
		}
		told(reply)
	}
	return nil
}

func (r *fakeRouter) EthTrunk(number uint32) (state.EthTrunk, error) {
	if number != 10 {
		return state.EthTrunk{}, fmt.Errorf("Eth-Trunk%d is not configured; known: Eth-Trunk10", number)
	}
	return sampleEthTrunk(), nil
}

func (r *fakeRouter) Interfaces() []state.Interface {
	return []state.Interface{{Name: "Eth-Trunk10", Netdev: "eth-trunk10", Exists: true, Up: true}}
}
