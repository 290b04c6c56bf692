package pairtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tandem/internal/linux/testnet"
)

// configLine is a line of a device's configuration.
type configLine struct {
	view string   // the line that enters its view, empty in the system view
	line string   // as the device writes it
	body []string // of the view that it enters, if it enters one
}

func (l *configLine) String() string {
	if l.view == "" {
		return l.line
	}
	return l.view + " / " + l.line
}

// configLines reads a configuration as a device writes it: the lines of a view are indented.
func configLines(text string) (lines []*configLine) {
	var view *configLine
	for raw := range strings.Lines(text) {
		line := strings.TrimSpace(raw)
		switch {
		case line == "" || line == "#" || line == "return" || strings.HasPrefix(line, "!") || strings.HasPrefix(line, "sysname "):
			continue
		case strings.HasPrefix(raw, " "):
			view.body = append(view.body, line)
			lines = append(lines, &configLine{view: view.line, line: line})
		default:
			view = &configLine{line: line}
			lines = append(lines, view)
		}
	}
	return lines
}

// undone returns what takes the line away.
func (l *configLine) undone() []string {
	if l.view == "" {
		return []string{"undo " + l.line}
	}
	return []string{l.view, "undo " + l.line}
}

// tries types lines in the system view and commits. It returns what the device says if one is
// refused; then nothing has changed.
func (d *device) tries(lines ...string) (refused string) {
	d.t.Helper()
	for _, line := range slices.Concat([]string{"system-view"}, lines, []string{"commit"}) {
		reply, err := d.exec(line)
		testnet.Must(d.t, err)
		if reply.Failed {
			d.types("clear configuration candidate", "return")
			return strings.TrimSpace(reply.Output)
		}
	}
	d.types("return")
	return ""
}

// configuresAgain types a whole configuration again, so that what is missing of it comes back.
func (d *device) configuresAgain(lines []*configLine) {
	d.t.Helper()
	var typed []string
	for _, l := range lines {
		if l.view == "" {
			typed = append(append(typed, "system-view", l.line), l.body...)
		}
	}
	d.configures(typed...)
}

// TestEachLineTakenAway: each line of a live device's configuration is removed and configured
// again while streams flow. No listener misses a packet. The lines are those that the device
// itself writes. A line that cannot be removed alone is refused with the reason.
func TestEachLineTakenAway(t *testing.T) {
	v := newServed(t)
	for _, d := range []*device{v.b, v.a} {
		lines := configLines(d.shows("current-configuration"))
		if len(lines) < len(procedure(d.name))/2 {
			t.Fatalf("device %s has only %d lines", d.name, len(lines))
		}
		for _, l := range lines {
			if refused := v.takenAway(d, lines, l.undone()...); refused != "" {
				t.Logf("%s: %s stays: %s", d.name, l, refused)
				if why, named := strings.CutPrefix(refused, "Error: "); !named || !namesAnObject(why) {
					t.Errorf("%s: undo %s: %s", d.name, l, refused)
				}
			}
		}
		for _, together := range [][]string{
			{"e-trunk 1", "undo e-trunk track bfd-session", "undo peer-ipv6"},
			{"e-trunk 1", "undo e-trunk track bfd-session", "quit", "undo bfd core"},
		} {
			if refused := v.takenAway(d, lines, together...); refused != "" {
				t.Errorf("%s: %v: %s", d.name, together, refused)
			}
		}
	}
}

// namesAnObject reports whether the reason of a refusal names the object that needs the line.
func namesAnObject(why string) bool {
	return slices.ContainsFunc([]string{"e-trunk 1: ", "remote-backup-profile rbp1: ", "interface "},
		func(object string) bool { return strings.HasPrefix(why, object) })
}

// takenAway removes lines and configures them again. It fails if a listener misses a packet.
func (v *served) takenAway(d *device, all []*configLine, undo ...string) (refused string) {
	v.t.Helper()
	before := d.shows("current-configuration")
	v.mark()
	if refused = d.tries(undo...); refused != "" {
		return refused
	}
	if d.shows("current-configuration") == before {
		v.t.Errorf("%s: %v changes nothing", d.name, undo)
	}
	time.Sleep(250 * time.Millisecond)
	d.configuresAgain(all)
	if after := d.shows("current-configuration"); after != before {
		v.t.Fatalf("%s: after %v it is not as before:\n%s", d.name, undo, after)
	}
	v.forms(len(v.listeners))
	v.missedNone(fmt.Sprintf("%s: %v", d.name, undo))
	return ""
}
