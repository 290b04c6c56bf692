package state

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"tandem/internal/etrunk"
	"tandem/internal/rbs"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// whole returns a device that can serve alone, and that has measured the same of its
// peer.
func whole() *Device {
	yes, none, peer := true, "", Hex(0xb)
	return &Device{
		At: noon, ID: 0xa,
		Upstream:   &Upstream{Name: "up0", Up: true, Able: true},
		Downstream: []Downstream{{Name: "Eth-Trunk10", Up: true, Able: true, Profile: "rbp1"}},
		ETrunks: []ETrunk{{ID: 1, PeerAlive: true, PeerDeviceID: &peer, BFDSession: "core", BFD: etrunk.BFDUp,
			Paths:   []Path{{Kind: "primary", Up: true, For: time.Hour}, {Kind: "heartbeat", Up: true, For: time.Hour}},
			Members: []Member{{ID: 10, Up: true, Ready: true, PeerReady: &yes, PeerLack: &none}}}},
		Services: []Service{{Name: "rbs1", TCP: rbs.Connected, InSync: true, Streams: Streams{Watched: true, Compared: true, Flowing: 1000}}},
		Profiles: []Profile{{Name: "rbp1", ETrunk: 1, EthTrunk: 10}},
		Gate:     Gate{Installed: true},
	}
}

// against returns objections as text, with the seconds that they have lasted.
func against(list []Objection) (lines []string) {
	for _, o := range list {
		lasted := "?"
		if !o.Since.IsZero() {
			lasted = noon.Sub(o.Since).String()
		}
		lines = append(lines, fmt.Sprintf("%s: %s (%s, %s)", o.Object, o.Reason, lasted, o.By))
	}
	return lines
}

// TestRedundancy: each fault that keeps a device from serving alone is listed as a reason
// against the reload of the other device, with its object and since when. Nothing else is
// listed.
func TestRedundancy(t *testing.T) {
	stream := func(n int) StreamFault {
		return StreamFault{Stream(fmt.Sprintf("(2001:db8::1, ff3e::%d)", n)), time.Duration(n) * time.Second}
	}
	no, lack := false, "streams do not arrive"
	for _, c := range []struct {
		what       string
		do         func(*Device)
		peer, self []string
	}{
		{"nothing", func(*Device) {}, nil, nil},
		{"a heartbeat path is lost", func(d *Device) { d.ETrunks[0].Paths[1].Up = false }, nil, nil},
		{"an interface that is not shared is deaf", func(d *Device) { d.Downstream = append(d.Downstream, Downstream{Name: "lan0", Deaf: true}) }, nil, nil},
		{"an E-Trunk without members is not heard", func(d *Device) { d.ETrunks = append(d.ETrunks, ETrunk{ID: 2}) }, nil, nil},
		{"not ready here", func(d *Device) {
			m := &d.ETrunks[0].Members[0]
			m.Ready, m.NotReady, m.ReadyFor = false, "settling, 3 s left", time.Second
		}, []string{"Eth-Trunk10: not ready: settling, 3 s left (1s, this device)"}, nil},
		{"forced to be Backup", func(d *Device) { d.ETrunks[0].Members[0].Mode = etrunk.ForceBackup },
			[]string{"Eth-Trunk10: forced to be Backup: it never takes over (?, this device)"}, nil},
		{"not ready at the peer", func(d *Device) {
			m := &d.ETrunks[0].Members[0]
			m.PeerReady, m.PeerLack, m.PeerReadyFor = &no, &lack, time.Minute
		}, nil, []string{"Eth-Trunk10: not ready on the device that stays: streams do not arrive (1m0s, this device)"}},
		{"the peer has no such member", func(d *Device) { d.ETrunks[0].Members[0].PeerReady = nil }, nil,
			[]string{"Eth-Trunk10: the device that stays does not tell of it (?, this device)"}},
		{"upstream down", func(d *Device) { d.Upstream.Up, d.Upstream.For = false, time.Second },
			[]string{"up0: the upstream interface is down (1s, this device)"}, nil},
		{"upstream unable", func(d *Device) { d.Upstream.Able, d.Upstream.Lacks = false, "it has no link-local address" },
			[]string{"up0: it has no link-local address (?, this device)"}, nil},
		{"no upstream", func(d *Device) { d.Upstream = nil }, []string{"upstream: no interface is upstream (?, this device)"}, nil},
		{"leg unable", func(d *Device) {
			i := &d.Downstream[0]
			i.Able, i.Lacks, i.For = false, "its MTU is below 1280", time.Second
		}, []string{"Eth-Trunk10: its MTU is below 1280 (1s, this device)"}, nil},
		{"a sub-interface down", func(d *Device) { d.Downstream[0].Up, d.Downstream[0].For = false, time.Minute },
			[]string{"Eth-Trunk10: it is down although the Eth-Trunk is up (1m0s, this device)"}, nil},
		{"the leg of a Backup is down", func(d *Device) { d.Downstream[0].Up, d.ETrunks[0].Members[0].Up = false, false }, nil, nil},
		{"deaf", func(d *Device) { d.Downstream[0].Deaf, d.Downstream[0].DeafFor = true, time.Hour },
			[]string{"Eth-Trunk10: no host is heard on it, although hosts are there (1h0m0s, this device)"}, nil},
		{"no gate", func(d *Device) { d.Gate.Installed = false }, []string{"gate: multicast routing is not enabled (?, this device)"}, nil},
		{"the gate is refused", func(d *Device) { d.Gate.Stale = true }, []string{"gate: the kernel refuses to set it (?, this device)"}, nil},
		{"the peer is lost", func(d *Device) {
			e := &d.ETrunks[0]
			e.PeerAlive, e.PeerDeviceID, e.Members[0].PeerReady, e.Paths[1].For = false, nil, nil, 3*time.Second
		}, []string{"E-Trunk 1: the other device is not heard: who listens to it is not known (3s, this device)"},
			[]string{"E-Trunk 1: the peer is not heard (3s, this device)"}},
		{"the primary path is lost, and BFD with it", func(d *Device) {
			e := &d.ETrunks[0]
			e.Paths[0].Up, e.Paths[0].For, e.BFD, e.BFDFor = false, time.Second, etrunk.BFDDown, 2*time.Second
		}, []string{"path invalid IP to invalid IP: nothing is heard by the primary path (1s, this device)",
			"BFD session core: it is Down: a device that fails is missed late (2s, this device)"},
			[]string{"path invalid IP to invalid IP: nothing is heard by the primary path (1s, this device)",
				"BFD session core: it is Down: a device that fails is missed late (2s, this device)"}},
		{"no channel", func(d *Device) {
			d.Services[0].TCP, d.Services[0].InSync, d.Services[0].Since = rbs.Initial, false, time.Second
		},
			[]string{"service rbs1: not connected: listeners are not replicated (1s, this device)"},
			[]string{"service rbs1: not connected: listeners are not replicated (1s, this device)"}},
		{"synchronising", func(d *Device) { d.Services[0].InSync, d.Services[0].Streams.Compared = false, false },
			[]string{"service rbs1: the listeners are still being synchronised (?, this device)"},
			[]string{"service rbs1: the listeners are still being synchronised (?, this device)"}},
		{"diverged", func(d *Device) { d.Services[0].Diverged = true },
			[]string{"service rbs1: the devices know different listeners (?, this device)"},
			[]string{"service rbs1: the devices know different listeners (?, this device)"}},
		{"records under way", func(d *Device) { d.Services[0].LagRecords, d.Services[0].Lag = 7, 100*time.Millisecond }, nil, nil},
		{"records not acknowledged", func(d *Device) { d.Services[0].LagRecords, d.Services[0].Lag = 7, time.Second }, nil,
			[]string{"service rbs1: 7 listener records are not acknowledged by the device that stays (1s, this device)"}},
		{"streams not measured", func(d *Device) { d.Services[0].Streams.Watched = false },
			[]string{"service rbs1: which streams arrive is not measured (?, this device)"}, nil},
		{"streams not compared", func(d *Device) { d.Services[0].Streams.Compared = false },
			[]string{"service rbs1: the other device does not tell which streams arrive there (?, this device)"}, nil},
		{"streams lacking here", func(d *Device) {
			s := &d.Services[0].Streams
			s.Lacking, s.Lacks = 5, []StreamFault{stream(1), stream(2)}
		}, []string{"(2001:db8::1, ff3e::1): it arrives only at the device to be reloaded, which sends it (1s, this device)",
			"(2001:db8::1, ff3e::2): it arrives only at the device to be reloaded, which sends it (2s, this device)",
			"3 more streams: it arrives only at the device to be reloaded, which sends it (?, this device)"}, nil},
		{"a stream lacking at the peer", func(d *Device) {
			s := &d.Services[0].Streams
			s.StandsIn, s.Stands = 1, []StreamFault{stream(3)}
		}, nil, []string{"(2001:db8::1, ff3e::3): it arrives only at the device to be reloaded, which sends it (3s, this device)"}},
		{"nothing is shared", func(d *Device) { d.ETrunks = nil }, []string{"E-Trunk: none has a member: nothing is shared (?, this device)"},
			[]string{"E-Trunk: none has a member: nothing is shared (?, this device)"}},
	} {
		d := whole()
		c.do(d)
		r := RedundancyOf(d, PeerTold{ID: "000000000000000b", Alone: []Objection{}})
		if got := against(r.Peer.Against); !slices.Equal(got, c.peer) || r.Peer.Safe != (c.peer == nil) {
			t.Errorf("%s: against reloading the peer (safe: %v)\n%q, want\n%q", c.what, r.Peer.Safe, got, c.peer)
		}
		if got := against(r.Self.Against); !slices.Equal(got, c.self) || r.Self.Safe != (c.self == nil) {
			t.Errorf("%s: against reloading this device (safe: %v)\n%q, want\n%q", c.what, r.Self.Safe, got, c.self)
		}
	}
}

// TestRedundancyOfThePeer: this device can be reloaded if the peer has reported lately
// that it can serve alone.
func TestRedundancyOfThePeer(t *testing.T) {
	lacks := Objection{Object: "(2001:db8::1, ff3e::3)", Reason: "it arrives only at the device to be reloaded, which sends it", Since: noon.Add(-time.Minute)}
	for _, c := range []struct {
		what string
		told PeerTold
		want []string
	}{
		{"all is well", PeerTold{ID: "000000000000000b", Alone: []Objection{}, Age: time.Second}, nil},
		{"nothing told", PeerTold{}, []string{"peer: it does not tell whether it can serve alone (?, this device)"}},
		{"an older release", PeerTold{ID: "000000000000000b"}, []string{"peer: it does not tell whether it can serve alone (?, this device)"}},
		{"told long ago", PeerTold{ID: "000000000000000b", Alone: []Objection{}, Age: 5 * time.Second},
			[]string{"peer: it has told nothing any more of whether it can serve alone (5s, this device)"}},
		{"another peer", PeerTold{ID: "000000000000000c", Alone: []Objection{}},
			[]string{"peer: there is more than one, and not all tell whether they can serve alone (?, this device)"}},
		{"the peer lacks a stream", PeerTold{ID: "000000000000000b", Alone: []Objection{lacks}},
			[]string{"(2001:db8::1, ff3e::3): it arrives only at the device to be reloaded, which sends it (1m0s, the peer)"}},
	} {
		r := RedundancyOf(whole(), c.told)
		if got := against(r.Self.Against); !slices.Equal(got, c.want) || r.Self.Safe != (c.want == nil) || !r.Peer.Safe {
			t.Errorf("%s: %q, safe %v and %v", c.what, got, r.Self.Safe, r.Peer.Safe)
		}
	}
	lag := Objection{Object: "service rbs1", Reason: "7 listener records are not acknowledged by the device that stays"}
	r := RedundancyOf(whole(), PeerTold{ID: "000000000000000b", Alone: []Objection{}, Sees: []Objection{lag}})
	if got := against(r.Peer.Against); r.Peer.Safe || !r.Self.Safe || len(got) != 1 || r.Peer.Against[0].By != seenByPeer {
		t.Errorf("what the peer sees of this device: %q, safe %v and %v", got, r.Peer.Safe, r.Self.Safe)
	}
	d := whole()
	d.Services[0].Streams.StandsIn, d.Services[0].Streams.Stands = 1, []StreamFault{{"(2001:db8::1, ff3e::3)", time.Minute}}
	r = RedundancyOf(d, PeerTold{ID: "000000000000000b", Alone: []Objection{lacks}})
	if got := against(r.Self.Against); len(got) != 1 || r.Self.Against[0].By != seenHere {
		t.Errorf("what both have seen is listed as %q", got)
	}
}
