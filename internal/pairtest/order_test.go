package pairtest

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// steps returns the commits of the procedure, each with its lines.
func steps(device string) [][]string {
	var all [][]string
	lines := procedure(device)
	for len(lines) > 0 {
		at := slices.Index(lines, "commit")
		if at < 0 {
			break
		}
		all = append(all, lines[:at+1])
		lines = lines[at+1:]
	}
	return all
}

// TestProcedureBesideALiveDevice: an operator types the procedure on B, in its order,
// with time between the commits. The listeners of A miss no packet.
func TestProcedureBesideALiveDevice(t *testing.T) {
	p := newPair(t)
	p.a.start(configuration("a")...)
	v := &served{pair: p}
	v.begin()
	v.mark()
	p.b.start()
	p.b.types(routing()...)
	for _, step := range steps("b") {
		p.b.types(step...)
		time.Sleep(3 * time.Second)
		v.missedNone(step[1])
	}
	p.b.types("return")
	p.forms(len(v.listeners))
	v.missedNone("the whole procedure")
}

// TestPartsTakenAway: each part of the procedure is removed on one device of a pair and
// configured again. No listener misses a packet: the device hands over before it stops,
// and shows why it is not ready.
func TestPartsTakenAway(t *testing.T) {
	v := newServed(t)
	view := func(name, line, again string) struct{ undo, again []string } {
		return struct{ undo, again []string }{[]string{name, "undo " + line}, []string{name, again}}
	}
	for _, c := range []struct{ undo, again []string }{
		view("remote-backup-profile rbp1", "peer-backup hot", "peer-backup hot"),
		view("remote-backup-profile rbp1", "e-trunk 1 eth-trunk 10", "e-trunk 1 eth-trunk 10"),
		view("remote-backup-profile rbp1", "backup-id", "backup-id 10 remote-backup-service rbs1"),
		view("remote-backup-service rbs1", "peer-ipv6", "peer-ipv6 PEER source-ipv6 LOCAL port 7000"),
		view("e-trunk 1", "priority", "priority PRIORITY"),
		view("e-trunk 1", "security-key", "security-key simple Pair-Test-1"),
		{[]string{"e-trunk 1", "undo e-trunk track bfd-session", "undo peer-ipv6"},
			[]string{"e-trunk 1", "peer-ipv6 PEER source-ipv6 LOCAL", "e-trunk track bfd-session"}},
		view("e-trunk 1", "e-trunk track bfd-session", "e-trunk track bfd-session"),
		view("interface eth-trunk 10", "e-trunk mode", "e-trunk mode force-master"),
		{[]string{"interface eth-trunk 10", "undo remote-backup-profile"}, []string{"interface eth-trunk 10", "remote-backup-profile rbp1"}},
		{[]string{"remote-backup-profile rbp1", "undo service-type mld"}, []string{"remote-backup-profile rbp1", "service-type mld"}},
		{[]string{"interface eth-trunk 10", "undo mld enable"}, []string{"interface eth-trunk 10", "mld enable"}},
		{[]string{"interface up0", "undo mld proxy"}, []string{"interface up0", "mld proxy"}},
	} {
		for _, d := range []*device{v.b, v.a} {
			what := fmt.Sprintf("%v on %s", c.undo, d.name)
			v.mark()
			d.configures(c.undo...)
			time.Sleep(500 * time.Millisecond)
			v.missedNone(what)
			again := slices.Clone(c.again)
			for i := range again {
				again[i] = ofDevice(d.name).Replace(again[i])
			}
			d.configures(again...)
			v.forms(len(v.listeners))
			v.missedNone(what + ", put back")
		}
	}
}

// TestEverythingTakenAway: one commit ends the service of a device. The listeners of the
// other device miss nothing.
func TestEverythingTakenAway(t *testing.T) {
	v := newServed(t)
	v.mark()
	v.b.configures("interface eth-trunk 10", "undo remote-backup-profile", "undo mld enable", "quit",
		"undo remote-backup-profile rbp1", "undo remote-backup-service rbs1", "undo e-trunk 1", "undo bfd core", "undo bfd")
	eventually(t, "device a serves alone", v.a.sole)
	time.Sleep(2 * time.Second)
	v.missedNone("everything is taken away")
}
