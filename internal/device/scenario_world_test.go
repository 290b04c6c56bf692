package device_test

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/rbs"
)

// How long things take around the devices of a scene.
const (
	wireTime    = time.Millisecond      // delay from one device to the other
	carrierTime = time.Millisecond      // until a device is told of a change of its own link
	guardTime   = 15 * time.Millisecond // until the guard takes the leg of a dead device down
)

// scene is two devices with a switch, an upstream network, and a cable between them.
type scene struct {
	t       testing.TB
	now     instant.Time
	zero    instant.Time // zero of the times in the scenario
	nodes   [2]*node
	pending []arrival
	cut     bool // the cable between the devices is cut
	held    bool // the bytes of the channel wait
	refused bool // no new connection of the channel can be made
	lines   []string
	sky     *sky // the streams that come in; nil if the planes do not report arrivals
}

// arrival is a message that is on its way.
type arrival struct {
	at instant.Time
	do func()
}

// node is one device with its environment.
type node struct {
	scene *scene
	index int
	dev   *device.Device // nil while the device is dead
	boots uint64

	legCable, upCable bool
	legAdmin          bool
	conn              rbs.ConnID // the latest connection of the channel
	queue             [][]byte   // bytes of the channel that wait
	told              string     // the member's announcement in the latest hello

	// State of the kernel.
	routes map[device.SourceGroup]string
	gate   device.Gate
}

func newScene(t testing.TB) *scene {
	s := &scene{t: t, now: instant.FromOrigin(0)}
	for i := range s.nodes {
		s.nodes[i] = &node{scene: s, index: i, legCable: true, upCable: true, legAdmin: true}
	}
	return s
}

func (n *node) name() string { return string(rune('A' + n.index)) }
func (n *node) peer() *node  { return n.scene.nodes[1-n.index] }
func (n *node) address() netip.Addr {
	return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(0xa + n.index)})
}

// say adds a line about a device.
func (n *node) say(format string, args ...any) {
	n.scene.lines = append(n.scene.lines, fmt.Sprintf("%8.3f %s  %s", n.scene.now.Sub(n.scene.zero).Seconds(), n.name(), fmt.Sprintf(format, args...)))
}

// take returns the lines added since its last call.
func (s *scene) take() []string {
	lines := s.lines
	s.lines = nil
	return lines
}

func (s *scene) after(d time.Duration, do func()) {
	s.pending = append(s.pending, arrival{s.now.Add(d), do})
}

// pass lets time pass, event by event.
func (s *scene) pass(d time.Duration) {
	for end := s.now.Add(d); s.step(end); {
	}
}

// step carries out the next event, up to a time. Of events at the same time, those of the
// devices come first, A before B.
func (s *scene) step(end instant.Time) bool {
	slices.SortStableFunc(s.pending, func(a, b arrival) int { return cmp.Compare(a.at, b.at) })
	next, do := end.Add(1), func() {}
	if len(s.pending) > 0 && s.pending[0].at < next {
		next = s.pending[0].at
		do = func() {
			first := s.pending[0]
			s.pending = s.pending[1:]
			first.do()
		}
	}
	for _, n := range s.nodes {
		if n.dev == nil {
			continue
		}
		if at := n.dev.Deadline(); at.IsSet() && at < next {
			next, do = max(at, s.now), func() { n.act(func(d *device.Device) { d.Advance(s.now) }) }
		}
	}
	if next > end {
		s.now = end
		return false
	}
	s.now = next
	do()
	return true
}

// settings returns the settings of the pair in the documentation: one leg, shared with
// the peer, with one profile.
func (n *node) settings() device.Settings {
	cfg := etrunk.DefaultConfig()
	cfg.ID, cfg.Key, cfg.DeviceID, cfg.Priority = 1, []byte("key"), uint64(1+n.index), uint8(10+10*n.index)
	cfg.Local, cfg.Peer, cfg.BFDSession = n.address(), n.peer().address(), "core"
	cfg.RevertDelay = 10 * time.Second
	cfg.Members = []etrunk.MemberConfig{{ID: 10, Mode: etrunk.ForceMaster}}
	member := device.Member{ETrunk: 1, EthTrunk: 10}
	return device.Settings{
		Interfaces: map[string]device.InterfaceSettings{
			"up0":         {Netdev: "up0", Upstream: true, MLD: mld.DefaultConfig()},
			"Eth-Trunk10": {Netdev: "eth-trunk10", MLD: mld.DefaultConfig(), Profile: "rbp1"},
		},
		ETrunks: map[uint32]etrunk.Config{1: cfg},
		Legs:    map[device.Member]device.LegSettings{member: {Netdev: "eth-trunk10"}},
		Services: map[string]device.ServiceSettings{"rbs1": {
			Config:    rbs.Config{Name: "rbs1", Local: cfg.Local, Peer: cfg.Peer, Enabled: true},
			Retention: 600 * time.Second,
		}},
		WatchesStreams: n.scene.sky != nil,
		Profiles:       map[string]device.ProfileSettings{"rbp1": {BackupID: 10, Service: "rbs1", Member: member, MLD: true, Hot: true}},
	}
}

// wallAt returns the wall-clock time at an instant.
func wallAt(now instant.Time) time.Time { return time.Unix(1_700_000_000, 0).Add(now.SinceOrigin()) }

// boot starts the device with an empty memory.
func (n *node) boot() {
	n.boots++
	n.dev = device.New(uint64(1+n.index), n.boots, wallAt(n.scene.now), n.scene.now)
	n.dev.Observe(n.observe)
	n.told, n.gate, n.routes = "", device.Gate{}, make(map[device.SourceGroup]string)
	n.tellLinks()
	n.act(func(d *device.Device) { n.must(d.Configure(n.scene.now, n.settings())) })
}

// die ends the device as SIGKILL does.
func (n *node) die() {
	n.dev = nil
	n.hangUp("connection reset by peer")
	n.scene.after(guardTime, func() {
		if n.dev == nil {
			n.legAdmin = false
			n.say("its supervisor takes the leg of the dead device down")
		}
	})
}

// restart replaces the device by a successor with its checkpoint. Only the channel is
// made again.
func (n *node) restart() {
	cp := n.dev.Checkpoint(n.scene.now)
	n.dev = nil
	n.hangUp("connection reset by peer")
	n.dev = device.New(cp.ID, cp.Boot, time.Unix(1, 0), n.scene.now)
	n.dev.Observe(n.observe)
	for _, link := range cp.Links {
		n.dev.Handle(n.scene.now, link)
	}
	n.act(func(d *device.Device) { n.must(d.Resume(n.scene.now, n.settings(), &cp)) })
}

func (n *node) must(err error) {
	if err != nil {
		n.scene.t.Fatal(err)
	}
}

// handle passes an event to the device, if it lives.
func (n *node) handle(ev device.Event) {
	if n.dev != nil {
		n.act(func(d *device.Device) { d.Handle(n.scene.now, ev) })
	}
}

func (n *node) tellLinks() {
	linkLocal := netip.AddrFrom16([16]byte{0xfe, 0x80, 15: byte(0xa + n.index)})
	n.handle(device.LinkChanged{Netdev: "up0", Exists: true, Index: 2, AdminUp: true, Up: n.upCable, LinkLocal: linkLocal})
	n.handle(device.LinkChanged{Netdev: "eth-trunk10", Exists: true, Index: 3, AdminUp: n.legAdmin, Up: n.legAdmin && n.legCable, Heard: n.legAdmin && n.legCable, LinkLocal: linkLocal})
}

// act calls the device and carries out its effects.
func (n *node) act(do func(d *device.Device)) {
	do(n.dev)
	fx := n.dev.Effects()
	n.carryOut(fx)
	if n.scene.sky != nil {
		n.scene.sky.look(n, fx)
	}
}

// carryOut carries out the device's effects, and writes them as text.
func (n *node) carryOut(fx *device.Effects) {
	n.tell(fx)
	for _, r := range fx.Routes {
		sg := device.SourceGroup{Source: r.Source, Group: r.Group}
		if n.routes[sg] = routeWords(r); r.Delete {
			delete(n.routes, sg)
		}
	}
	if fx.Gate != nil {
		n.gate = *fx.Gate
	}
	for _, leg := range fx.Legs {
		n.legAdmin = leg.Up
		n.scene.after(carrierTime, n.tellLinks)
	}
	for _, h := range fx.Hellos {
		n.transmit(func(to *node) { to.handle(device.HelloReceived{From: n.address(), Packet: h.Packet}) })
	}
	for _, ch := range fx.Channels {
		n.serve(ch.Effects)
	}
}

// transmit delivers a message to the other device, unless the cable is cut.
func (n *node) transmit(arrive func(to *node)) {
	n.scene.after(wireTime, func() {
		if !n.scene.cut {
			arrive(n.peer())
		}
	})
}

// serve carries out the effects of the remote backup service on its connection.
func (n *node) serve(fx rbs.Effects) {
	for _, c := range fx.Close {
		if c.Conn == n.conn {
			n.hangUp(c.Reason)
		}
	}
	for range fx.Dial {
		n.scene.after(wireTime, n.dial)
	}
	for _, send := range fx.Send {
		if send.Conn == n.conn {
			n.queue = append(n.queue, bytes.Clone(send.Bytes))
			n.scene.after(wireTime, n.flush)
		}
	}
}

func (n *node) dial() {
	to := n.peer()
	if n.scene.cut || n.scene.refused || to.dev == nil {
		n.handle(device.ChannelDialFailed{Service: "rbs1", Reason: "no route to host"})
		return
	}
	n.conn, to.conn = n.conn+1, to.conn+1
	n.queue, to.queue = nil, nil
	to.handle(device.ChannelAccepted{Service: "rbs1", Conn: to.conn, From: n.address()})
	n.handle(device.ChannelDialled{Service: "rbs1", Conn: n.conn})
}

// flush delivers the waiting bytes, unless the channel is held.
func (n *node) flush() {
	for len(n.queue) > 0 && !n.scene.held && !n.scene.cut {
		chunk := n.queue[0]
		n.queue = n.queue[1:]
		n.peer().handle(device.ChannelReceived{Service: "rbs1", Conn: n.peer().conn, Bytes: chunk})
		n.handle(device.ChannelWritten{Service: "rbs1", Conn: n.conn})
	}
}

// hangUp ends the connection at this end. The other device is told, unless the cable is
// cut.
func (n *node) hangUp(reason string) {
	n.conn, n.queue = n.conn+1, nil // bytes on their way belong to no connection any more
	conn := n.peer().conn
	n.transmit(func(to *node) {
		if to.conn == conn {
			to.lose(reason)
		}
	})
}

// lose tells the device that its connection has ended.
func (n *node) lose(reason string) {
	conn := n.conn
	n.conn, n.queue = n.conn+1, nil
	n.handle(device.ChannelClosed{Service: "rbs1", Conn: conn, Reason: reason})
}
