package device_test

import (
	"maps"
	"net/netip"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tandem/internal/device"
	"tandem/internal/golden"
)

// TestRestartAtAnyMoment restarts each device after every line of every scenario. Nothing
// may change outside, whatever the state of the device was.
func TestRestartAtAnyMoment(t *testing.T) {
	eachMoment(t, func(t *testing.T, where string, s *scene, _ []string) {
		for _, n := range s.nodes {
			if n.dev != nil {
				restartThere(t, where+", "+n.name(), n)
			}
		}
	})
}

// eachMoment plays every scenario up to each of its lines, and calls do with the
// remaining lines.
func eachMoment(t *testing.T, do func(t *testing.T, where string, s *scene, rest []string)) {
	files, err := filepath.Glob("testdata/scenario/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		lines := inputLines(golden.Read(t, file))
		for i, last := range lines {
			s := newScene(t)
			s.play(lines[:i+1])
			do(t, filepath.Base(file)+", after "+last, s, lines[i+1:])
		}
	}
}

func (s *scene) play(lines []string) {
	for _, line := range lines {
		if err := s.do(strings.Fields(line)); err != nil {
			s.t.Fatal(err)
		}
	}
	s.take()
}

// inputLines returns the input lines of a scenario.
func inputLines(scenario string) (lines []string) {
	for line := range strings.Lines(scenario) {
		if line = strings.TrimSuffix(line, "\n"); line != "" && !strings.ContainsAny(line[:1], " #") {
			lines = append(lines, line)
		}
	}
	return lines
}

func restartThere(t *testing.T, where string, n *node) {
	now := n.scene.now
	before, routes, gate := n.dev.Snapshot(now, time.Time{}), maps.Clone(n.routes), n.gate
	n.restart()
	for _, line := range n.scene.take() {
		for _, what := range []string{"leg", "MLD", "hello", "event", "hands over"} {
			if strings.Contains(line, "  "+what+" ") || strings.Contains(line, "  "+what+":") {
				t.Errorf("%s: %s", where, line)
			}
		}
	}
	// The channel has ended, so unacknowledged listeners become exceptions at once. This
	// difference is expected.
	n.gate.Exceptions = gate.Exceptions
	if diff := cmp.Diff(gate, n.gate, sameAddr); diff != "" {
		t.Errorf("%s: gate (-before +after):\n%s", where, diff)
	}
	if diff := cmp.Diff(routes, n.routes); diff != "" {
		t.Errorf("%s: routes (-before +after):\n%s", where, diff)
	}
	if diff := cmp.Diff(withoutChannels(before), withoutChannels(n.dev.Snapshot(now, time.Time{})), sameAddr); diff != "" {
		t.Errorf("%s (-before +after):\n%s", where, diff)
	}
}

var sameAddr = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

// withoutChannels returns a snapshot without the state of the channels, and without
// remaining seconds, which are as old as the last computation of the duty.
func withoutChannels(s device.Snapshot) device.Snapshot {
	left := regexp.MustCompile(`[0-9]+ s left`)
	for i := range s.Interfaces {
		s.Interfaces[i].Duty.Reason = left.ReplaceAllString(s.Interfaces[i].Duty.Reason, "")
	}
	for i := range s.Members {
		s.Members[i].Duty.Reason = left.ReplaceAllString(s.Members[i].Duty.Reason, "")
		s.Members[i].NotReady = left.ReplaceAllString(s.Members[i].NotReady, "")
	}
	for i := range s.Profiles {
		s.Profiles[i].NotReady = left.ReplaceAllString(s.Profiles[i].NotReady, "")
	}
	s.Services = nil
	return s
}
