package pairtest

import (
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
