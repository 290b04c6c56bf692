package device_test

import (
	"errors"
	"net/netip"
	"time"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/mld"
)

// input is what one kind of line in a scenario does.
type input struct {
	words int // number of words that must follow the name; the first of them may be a device
	do    func(s *scene, n *node, words []string)
}

// inputs lists the lines that a scenario may contain.
var inputs = map[string]input{
	"pair":       {0, (*scene).pair},                                       // both start, find each other and share the sending
	"boot":       {1, boot},                                                // boot A: A starts with an empty memory
	"kill":       {1, func(_ *scene, n *node, _ []string) { n.die() }},     // kill A: A's daemon dies
	"restart":    {1, func(_ *scene, n *node, _ []string) { n.restart() }}, // restart A: a graceful restart, which keeps all state
	"join":       {3, hears(mld.ChangeToExclude, mld.AllowNewSources)},     // join A host1 GROUP [SOURCE]: A receives the host's report
	"leave":      {3, hears(mld.ChangeToInclude, mld.BlockOldSources)},     // leave A host1 GROUP [SOURCE]: A receives the host's leave
	"stream":     {2, stream},                                              // stream SOURCE GROUP: the stream arrives at both devices; without a route there is an upcall
	"bfd":        {2, bfd},                                                 // bfd A up|down: the state of A's BFD session
	"link":       {3, link},                                                // link A up0|eth-trunk10 up|down: the state of a link of A
	"switchover": {2, switchover},                                          // switchover A on|off: the operator makes A hand everything to the peer, or ends that
	"wire":       {1, wire},                                                // wire cut|whole: the cable between the devices
	"channel":    {1, channel},                                             // channel held|cut|free: the bytes of the RBS connection wait; or the connection ends and no new one can be made
	"wait":       {1, wait},                                                // wait 1.5s: time passes
	"show":       {0, (*scene).show},                                       // show: the state of the devices
}

// do carries out one line of a scenario.
func (s *scene) do(words []string) error {
	input, known := inputs[words[0]]
	if words = words[1:]; !known || len(words) < input.words {
		return errors.New("no such input")
	}
	var n *node
	if len(words) > 0 && len(words[0]) == 1 {
		n = s.nodes[words[0][0]-'A']
		words = words[1:]
	}
	input.do(s, n, words)
	return nil
}

// pair brings the scene to the state in which most scenarios begin. Times are counted
// from there.
func (s *scene) pair(_ *node, _ []string) {
	for _, n := range s.nodes {
		n.boot()
	}
	for _, n := range s.nodes {
		n.handle(device.BFDChanged{Session: "core", State: etrunk.BFDUp})
	}
	s.pass(20 * time.Second)
	s.take()
	s.zero = s.now
	s.show(nil, nil)
}

func boot(_ *scene, n *node, _ []string) {
	n.legAdmin = n.boots == 0
	n.boot()
}

// hears makes the device receive a host's report of a group: with the record type named
// if the line has a source, else with any.
func hears(any, named mld.RecordType) func(*scene, *node, []string) {
	return func(_ *scene, n *node, words []string) {
		host := netip.MustParseAddr("fe80::1:" + words[0][len("host"):])
		rec := mld.GroupRecord{Type: any, Group: netip.MustParseAddr(words[1])}
		for _, source := range words[2:] {
			rec.Type, rec.Sources = named, append(rec.Sources, netip.MustParseAddr(source))
		}
		n.handle(&device.MLDReceived{
			Netdev: "eth-trunk10",
			Meta:   mld.Meta{Src: host, Dst: mld.AllMLDv2Routers, HopLimit: 1, RouterAlert: true},
			Packet: &mld.Packet{Type: mld.TypeReportV2, Records: []mld.GroupRecord{rec}},
		})
	}
}

func stream(s *scene, _ *node, words []string) {
	for _, n := range s.nodes {
		n.handle(device.StreamArrived{Netdev: "up0", Source: netip.MustParseAddr(words[0]), Group: netip.MustParseAddr(words[1])})
	}
}

func bfd(s *scene, n *node, words []string) {
	state := map[string]etrunk.BFDState{"up": etrunk.BFDUp, "down": etrunk.BFDDown}[words[0]]
	n.handle(device.BFDChanged{Session: "core", State: state, Heard: s.now})
}

func link(_ *scene, n *node, words []string) {
	cable := map[string]*bool{"up0": &n.upCable, "eth-trunk10": &n.legCable}[words[0]]
	*cable = words[1] == "up"
	n.tellLinks()
}

func switchover(_ *scene, n *node, words []string) {
	n.handle(device.Switchover{ETrunk: 1, On: words[0] == "on"})
}

func wire(s *scene, _ *node, words []string) {
	s.cut = words[0] == "cut"
	s.flush()
}

func channel(s *scene, _ *node, words []string) {
	s.held, s.refused = words[0] == "held", words[0] == "cut"
	if s.refused {
		for _, n := range s.nodes {
			n.lose("connection reset by peer")
		}
	}
	s.flush()
}

func (s *scene) flush() {
	for _, n := range s.nodes {
		s.after(wireTime, n.flush)
	}
}

func wait(s *scene, _ *node, words []string) {
	d, err := time.ParseDuration(words[0])
	if err != nil {
		s.t.Fatal(err)
	}
	s.pass(d)
}

func (s *scene) show(_ *node, _ []string) {
	for _, n := range s.nodes {
		n.show()
	}
}
