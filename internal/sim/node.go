package sim

import (
	"fmt"
	"net/netip"
	"time"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/rbs"
)

// Names that both devices use.
const (
	upName   = "up0"
	service  = "rbs1"
	trunkID  = 1
	memberID = 10
)

var member = device.Member{ETrunk: trunkID, EthTrunk: memberID}

// retention is how long a device keeps the records of a peer that it cannot reach.
const retention = 600 * time.Second

// legName returns the Linux interface of a VLAN on the leg.
func legName(vlan int) string { return [vlans]string{"eth-trunk10", "eth-trunk10.100"}[vlan] }

// configuredName returns the configured name of the same interface.
func configuredName(vlan int) string { return [vlans]string{"Eth-Trunk10", "Eth-Trunk10.100"}[vlan] }

// node is one device with its kernel.
type node struct {
	w        *World
	index    int
	name     string
	dev      *device.Device // nil while the daemon is dead
	boots    uint64
	bootedAt instant.Time

	// The active faults, counted by cause.
	down, legCuts, upCuts, yields int
	// What its interfaces lack though they have carrier, likewise: a link-local address, on the leg
	// and upstream, and all of IPv6 on the leg.
	legMutes, upMutes, legOffs int
	toldLegMute                bool // the daemon has been told that it cannot ask hosts
	// What faults have made of its configuration: how many hold the member back, how many make
	// it automatic; vlan is negative while the sub-interface is removed.
	heldBack, automatic, vlan, priority int
	identity                            uint64        // added to its device ID
	skew                                time.Duration // error of its wall clock at the next boot

	stall *stall // nil while its process runs

	legAdmin bool
	// late: the switch's port has carrier and does not forward yet.
	late   bool
	toldUp bool // the daemon has been told that the leg is up

	// moved: something has changed that decides what it sends. So sending must be computed
	// again: for each stream, one bit for each VLAN to which it is sent.
	moved   bool
	sending []uint8

	routes map[device.SourceGroup][]string
	gate   device.Gate
	asked  map[device.SourceGroup]bool // an upcall is under way
	joined map[netip.Addr]mld.Filter   // what the upstream network has heard from it
	conns  map[rbs.ConnID]*conn
	// wasQuerier: it had the querier's duty before the event that is being carried out.
	wasQuerier bool
	listen     netip.Addr // invalid while it does not listen
	lastID     rbs.ConnID

	wakeAt     instant.Time // when the next Advance is scheduled
	bfd        etrunk.BFDState
	sent       [][]byte // some hellos of old
	hellosLost int      // of late, lastly at lostAt
	lostAt     instant.Time
	// ableSince is the time since which it has had everything it needs to serve, Never if it
	// has not.
	ableSince instant.Time
	// strandedSince is the time since which it has been useless to the hosts on its leg.
	strandedSince instant.Time
}

func newNode(w *World, index int) *node {
	n := &node{
		w: w, index: index, name: string(rune('A' + index)), priority: 10 + 10*index,
		legAdmin: true, bfd: etrunk.BFDPending, sending: make([]uint8, len(w.streams)),
	}
	if w.opts.Automatic {
		n.automatic = 1
	}
	return n
}

func (n *node) alive() bool           { return n.dev != nil }
func (n *node) peer() *node           { return n.w.nodes[1-n.index] }
func (n *node) legUp() bool           { return n.legAdmin && n.legCuts == 0 }
func (n *node) forwards() bool        { return n.legUp() && !n.late } // the switch does, on its leg
func (n *node) upCable() bool         { return n.upCuts == 0 }
func (n *node) hasVLAN(vlan int) bool { return vlan == 0 || n.vlan >= 0 }

// listening reports whether it receives what arrives on the leg. A daemon needs a moment to
// notice that the carrier is back.
func (n *node) listening() bool { return n.alive() && n.toldUp }

// knowing reports whether it has been up long enough to know the listeners.
func (n *node) knowing() bool { return n.alive() && n.w.now > n.bootedAt.Add(learnTime) }

// learnTime is more than the first synchronisation needs.
const learnTime = 30 * time.Second

// able reports whether it has everything it needs to serve.
func (n *node) able() bool {
	return n.alive() && n.upCable() && n.legCuts == 0 && n.legMutes+n.upMutes+n.legOffs == 0 && n.memberMode() != etrunk.ForceBackup
}

// stranded reports whether it receives reports of hosts that only the peer could serve, and
// knows that it cannot tell the peer.
func (n *node) stranded() bool {
	p := n.peer()
	return n.alive() && n.legCuts == 0 && !n.upCable() && p.able() && n.memberMode() == etrunk.ForceMaster && p.memberMode() == etrunk.ForceMaster &&
		p.duty().Kind == device.DutySole && p.snapshot().Members[0].Ready && !n.snapshot().Services[0].InSync
}

func (n *node) snapshot() device.Snapshot { return n.dev.Snapshot(n.w.now, time.Time{}) }

func (n *node) address() netip.Addr {
	return netip.MustParseAddr(fmt.Sprintf("2001:db8:c::%x", 0xa+n.index))
}

// beatAddress returns the address on the heartbeat path.
func (n *node) beatAddress() netip.Addr {
	return netip.MustParseAddr(fmt.Sprintf("2001:db8:e::%x", 0xa+n.index))
}

func (n *node) linkLocal() netip.Addr {
	return netip.MustParseAddr(fmt.Sprintf("fe80::%x", 0xa+n.index))
}

// boot starts the daemon with an empty database.
func (n *node) boot() {
	n.boots++
	n.moved = true
	n.bootedAt = n.w.now
	wall := time.Unix(1_700_000_000, 0).Add(n.w.now.SinceOrigin() + n.skew)
	n.dev = device.New(n.deviceID(), n.w.rng.Uint64(), wall, n.w.now)
	n.routes = make(map[device.SourceGroup][]string)
	n.asked = make(map[device.SourceGroup]bool)
	n.joined = make(map[netip.Addr]mld.Filter)
	n.conns = make(map[rbs.ConnID]*conn)
	n.gate, n.listen, n.wakeAt, n.bfd, n.wasQuerier = device.Gate{}, netip.Addr{}, instant.Never, etrunk.BFDPending, false
	n.w.logf("%s boots", n.name)
	n.tellLinks()
	if err := n.dev.Configure(n.w.now, n.settings()); err != nil {
		panic(err) // the simulation's own mistake
	}
	n.w.judgePath()
}

func (n *node) deviceID() uint64 { return uint64(1000+n.index) + n.identity }

// reboot starts the daemon unless a fault still keeps it down.
func (n *node) reboot() {
	if !n.alive() && n.down == 0 {
		n.boot()
	}
}

// reconfigure commits the configuration in the node's fields.
func (n *node) reconfigure() {
	if !n.alive() {
		return
	}
	n.w.logf("%s: priority %d, member %s, sub-interface %v", n.name, n.priority, n.memberMode(), n.hasVLAN(1))
	if err := n.dev.Configure(n.w.now, n.settings()); err != nil {
		panic(err) // the simulation's own mistake
	}
}

// yield hands everything over to the peer at the operator's request, or takes it back.
func (n *node) yield(by int) {
	n.yields += by
	n.handle(device.Switchover{ETrunk: trunkID, On: n.yields > 0})
}

// cutCables cuts or repairs the leg and the upstream link.
func (n *node) cutCables(leg, up int) {
	if n.upCuts == 0 && up > 0 {
		n.joined = make(map[netip.Addr]mld.Filter) // the upstream network forgets the memberships of a device that is gone
	}
	n.moved = true
	n.legCuts += leg
	n.upCuts += up
	n.linkChanged()
}

// disable takes a link-local address from the leg or upstream, or IPv6 from the leg, or gives it back.
func (n *node) disable(leg, up, legIPv6 int) {
	n.legMutes += leg
	n.upMutes += up
	n.legOffs += legIPv6
	n.moved = true
	n.linkChanged()
}

// kill ends the daemon as SIGKILL does: the kernel removes its routes and closes its
// connections, and the supervisor takes the leg down.
func (n *node) kill() {
	if !n.alive() {
		return
	}
	n.w.logf("%s is killed", n.name)
	n.dev, n.moved = nil, true
	for _, c := range n.conns {
		c.close("connection reset by peer")
	}
	n.w.judgePath()
	n.w.after(n.w.between(bfdMin, bfdMax), n.peer().bfdLost)
	n.w.after(guardDelay, func() {
		if !n.alive() {
			n.legAdmin, n.moved = false, true
			n.w.logf("%s's leg is taken down by its supervisor", n.name)
		}
	})
}

func (n *node) settings() device.Settings {
	cfg := etrunk.DefaultConfig()
	cfg.ID, cfg.Priority, cfg.Key = trunkID, uint8(n.priority), []byte("key")
	cfg.SystemID = etrunk.SystemID{2, 0, 0, 0, 0, byte(n.index)}
	cfg.Local, cfg.Peer = n.address(), n.peer().address()
	if n.w.opts.Heartbeat {
		cfg.Heartbeats = []etrunk.Path{{Local: n.beatAddress(), Peer: n.peer().beatAddress()}}
	}
	cfg.RevertDelay, cfg.BFDSession, cfg.DeviceID = time.Second, "core", n.deviceID()
	if n.w.opts.Seed%4 == 0 {
		cfg.RevertDelay = 0
	}
	cfg.Members = []etrunk.MemberConfig{{ID: memberID, Mode: n.memberMode()}}
	s := device.Settings{
		Interfaces: map[string]device.InterfaceSettings{"up0": {Netdev: upName, Upstream: true, MLD: mld.DefaultConfig()}},
		ETrunks:    map[uint32]etrunk.Config{trunkID: cfg},
		Legs:       map[device.Member]device.LegSettings{member: {Netdev: legName(0)}},
		Services: map[string]device.ServiceSettings{service: {
			Config: rbs.Config{
				Name: service, Local: n.address(), Peer: n.peer().address(), Port: rbs.DefaultPort, Enabled: true,
				BackoffMax: time.Second,
			},
			Retention: retention,
		}},
		Profiles: make(map[string]device.ProfileSettings),
	}
	paired := mld.DefaultConfig()
	paired.Paired = true
	for v := range vlans {
		if !n.hasVLAN(v) {
			continue
		}
		profile := fmt.Sprintf("rbp%d", 1+v)
		s.Profiles[profile] = device.ProfileSettings{BackupID: uint32(10 + 10*v), Service: service, Member: member, MLD: true, Hot: true}
		s.Interfaces[configuredName(v)] = device.InterfaceSettings{
			Netdev: legName(v), MLD: paired, Profile: profile, SubInterface: uint32(100 * v),
		}
	}
	return s
}
