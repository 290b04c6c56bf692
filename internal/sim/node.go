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
	// What faults take from its interfaces, counted by cause: a link-local address, on
	// the leg and upstream, and all of IPv6 on the leg.
	legMutes, upMutes, legOffs int
	toldLegMute                bool // the daemon has been told that it cannot send MLD on the leg
	// What faults have changed in its configuration: the number of those that hold the
	// member back, and of those that make it automatic. vlan is negative while the
	// sub-interface is removed.
	heldBack, automatic, vlan, priority int
	identity                            uint64        // number added to its device ID
	skew                                time.Duration // error of its wall clock at the next boot

	way   wayIn
	plane *plane // nil while the device's daemon is dead, or if it watches no streams

	stall *stall // nil while its process runs

	legAdmin bool
	// late says that the switch's port has carrier and does not forward yet.
	late   bool
	toldUp bool // the daemon has been told that the leg is up

	// moved says that something has changed on which forwarding depends. Then the
	// device's sending is computed again: for each stream, one bit for each VLAN to which
	// it is sent.
	moved   bool
	sending []uint8

	routes map[device.SourceGroup][]string
	gate   device.Gate
	asked  map[device.SourceGroup]bool // streams with an upcall under way
	joined map[netip.Addr]mld.Filter   // the filters that the upstream network has received from the device
	conns  map[rbs.ConnID]*conn
	// wasQuerier says that the device had the querier's duty before the present event.
	wasQuerier bool
	listen     netip.Addr // address on which it listens, invalid if it does not
	lastID     rbs.ConnID

	wakeAt     instant.Time // when the next Advance is scheduled
	bfd        etrunk.BFDState
	sent       [][]byte // some old hellos
	hellosLost int      // hellos lost in a short time, the last at lostAt
	lostAt     instant.Time
	// ableSince is since when the device has had everything it needs to serve, Never if
	// it lacks something.
	ableSince instant.Time
	// strandedSince is since when the device cannot serve the hosts on its leg, see
	// stranded.
	strandedSince instant.Time
}

func newNode(w *World, index int) *node {
	n := &node{
		w: w, index: index, name: string(rune('A' + index)), priority: 10 + 10*index,
		legAdmin: true, bfd: etrunk.BFDPending, sending: make([]uint8, len(w.streams)),
		way: wayIn{lost: make([]int, len(w.streams))},
	}
	if w.opts.Automatic {
		n.automatic = 1
	}
	return n
}

func (n *node) alive() bool           { return n.dev != nil }
func (n *node) peer() *node           { return n.w.nodes[1-n.index] }
func (n *node) legUp() bool           { return n.legAdmin && n.legCuts == 0 }
func (n *node) forwards() bool        { return n.legUp() && !n.late } // forwards reports whether the switch forwards on the device's leg.
func (n *node) upCable() bool         { return n.upCuts == 0 }
func (n *node) hasVLAN(vlan int) bool { return vlan == 0 || n.vlan >= 0 }

// listening reports whether the daemon receives messages on the leg. It needs a moment to
// notice that the carrier is back.
func (n *node) listening() bool { return n.alive() && n.toldUp }

// knowing reports whether the daemon has run long enough to have learnt the listeners.
func (n *node) knowing() bool { return n.alive() && n.w.now > n.bootedAt.Add(learnTime) }

// learnTime is longer than the first synchronisation takes.
const learnTime = 30 * time.Second

// able reports whether the device has everything it needs to serve.
func (n *node) able() bool {
	return n.alive() && n.upCable() && n.legCuts == 0 && n.legMutes+n.upMutes+n.legOffs == 0 && !n.lacks() && n.memberMode() != etrunk.ForceBackup
}

// stranded reports whether the device receives reports of hosts that only the peer can
// serve, and knows that it cannot pass them to the peer.
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
	n.startPlane()
	n.tellLinks()
	if err := n.dev.Configure(n.w.now, n.settings()); err != nil {
		panic(err) // an error of the simulation itself
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
		panic(err) // an error of the simulation itself
	}
}

// yield requests a switchover to the peer (+1), or ends the request (-1).
func (n *node) yield(by int) {
	n.yields += by
	n.handle(device.Switchover{ETrunk: trunkID, On: n.yields > 0})
}

// cutCables cuts or repairs the leg and the upstream link.
func (n *node) cutCables(leg, up int) {
	if n.upCuts == 0 && up > 0 {
		n.joined = make(map[netip.Addr]mld.Filter) // the upstream network removes the memberships of a device that is gone
	}
	n.moved = true
	n.legCuts += leg
	n.upCuts += up
	n.linkChanged()
}

// disable takes a link-local address from the leg or the upstream interface, or IPv6 from
// the leg (+1), or gives it back (-1).
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
	n.dev, n.plane, n.moved = nil, nil, true
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
		Profiles:       make(map[string]device.ProfileSettings),
		WatchesStreams: n.w.opts.Arriving,
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
