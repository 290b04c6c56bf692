package device_test

import (
	"errors"
	"net/netip"
	"time"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/mld"
)

// input is what a line of a scenario does.
type input struct {
	words int // that must follow its name; a device is the first of them
	do    func(s *scene, n *node, words []string)
}

// inputs are the lines that a scenario may have.
var inputs = map[string]input{
	"pair":       {0, (*scene).pair},                                       // both start, find each other and share
	"boot":       {1, boot},                                                // boot A: with an empty memory
	"kill":       {1, func(_ *scene, n *node, _ []string) { n.die() }},     // kill A
	"restart":    {1, func(_ *scene, n *node, _ []string) { n.restart() }}, // restart A: planned, nothing is forgotten
	"join":       {3, hears(mld.ChangeToExclude, mld.AllowNewSources)},     // join A host1 GROUP [SOURCE]: A hears it
	"leave":      {3, hears(mld.ChangeToInclude, mld.BlockOldSources)},     // leave A host1 GROUP [SOURCE]
	"stream":     {2, stream},                                              // stream SOURCE GROUP: it arrives at both devices; one without a route gets an upcall
	"bfd":        {2, bfd},                                                 // bfd A up|down: what A's BFD finds
	"link":       {3, link},                                                // link A up0|eth-trunk10 up|down
	"switchover": {2, switchover},                                          // switchover A on|off: the operator empties A
	"wire":       {1, wire},                                                // wire cut|whole: between the devices
	"channel":    {1, channel},                                             // channel held|cut|free: its bytes wait; it ends and cannot be made anew
	"wait":       {1, wait},                                                // wait 1.5s
	"show":       {0, (*scene).show},                                       // how the devices are
}

// do carries one line of a scenario out.
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

// pair brings the scene to where most scenarios begin, and begins to count the time there.
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

// hears has the device hear a host say something of a group: by source where one is named.
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
