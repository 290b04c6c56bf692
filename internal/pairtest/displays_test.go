package pairtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tandem/internal/golden"
	"tandem/internal/linux/testnet"
)

// displayLines has, for every display, command lines that a device of a pair with listeners
// must accept. The key is the leading words.
var displayLines = map[string][]string{
	"current-configuration":           {"", "configuration e-trunk 1", "configuration system", "interface", "interface eth-trunk 10"},
	"saved-configuration":             {""},
	"configuration commit list":       {"", "verbose"},
	"configuration commit changes":    {"last 1"},
	"configuration trial status":      {""},
	"configuration candidate":         {"", "changes", "merge"},
	"this":                            {""},
	"e-trunk":                         {"", "1"},
	"e-trunk bfd session all":         {""},
	"bfd session":                     {"all", "all for-ipv6 verbose", "static", "dynamic", "discriminator 1 verbose"},
	"bfd statistics":                  {""},
	"remote-backup-service":           {"", "rbs1", "rbs1 verbose"},
	"remote-backup-profile":           {"", "rbp1"},
	"mld group":                       {"", "verbose", ssmGroup.String(), "interface eth-trunk 10 verbose"},
	"mld interface":                   {"", "verbose", "up verbose", "down", "eth-trunk 10"},
	"mld control-message":             {"counters", "counters interface eth-trunk 10", "counters message-type query"},
	"default-parameter mld":           {""},
	"acl ipv6":                        {"all", "number 2000"},
	"multicast ipv6 routing-table":    {""},
	"multicast ipv6 forwarding-table": {""},
	"redundancy":                      {""},
	"multicast ipv6 arriving":         {"", "lacking"},
	"multicast ipv6 rui":              {fmt.Sprintf("source %v group %v eth-trunk 10", sourceAddr, ssmGroup)},
	"multicast ipv6 gate":             {""},
	"eth-trunk":                       {"10"},
	"interface":                       {"", "brief", "eth-trunk 10"},
	"ipv6 interface brief":            {""},
	"ipv6 routing-table":              {""},
	"history-command":                 {""},
	"diagnostic-information":          {""},
	"logbuffer":                       {"", "level warning size 3"},
	"alarm active":                    {""},
	"http server":                     {""},
	"ssh server status":               {""},
	"ssh server session":              {""},
	"version":                         {""},
}

// TestDisplays runs every display on a device of a working pair, as text and as JSON, and
// compares the JSON with docs/json.md.
func TestDisplays(t *testing.T) {
	p, _, _, _ := receivingPair(t)
	p.a.configures("acl ipv6 number 2000", "rule permit source ff3e::/16", "quit")
	p.a.types("save", "system-view")
	pages := schemas(t)
	shown := map[string]bool{}
	for _, words := range slices.Sorted(maps.Keys(displayLines)) {
		for _, rest := range displayLines[words] {
			line := strings.TrimSpace(words + " " + rest)
			page := pageOf(pages, words)
			if page == nil {
				t.Fatalf("docs/json.md has no display %s", words)
			}
			shown[page.heading] = true
			if p.a.shows(line) == "" && !strings.HasPrefix(line, "configuration ") {
				t.Errorf("display %s shows nothing", line)
			}
			var facts any
			if err := p.a.display(line, &facts); err != nil {
				t.Errorf("display %s: %v", line, err)
			}
			for _, wrong := range page.differences("", facts) {
				t.Errorf("display %s: %s", line, wrong)
			}
		}
	}
	for _, page := range pages {
		if !shown[page.heading] {
			t.Errorf("no line here for %s", page.heading)
		}
	}
}

// schema is a section of docs/json.md: the type of every field.
type schema struct {
	heading string
	types   map[string]string
}

var fieldRow = regexp.MustCompile("^\\| `(\\S+)` \\| (.+) \\|$")

func schemas(t *testing.T) (pages []*schema) {
	t.Helper()
	for line := range strings.Lines(golden.Read(t, "../../docs/json.md")) {
		line = strings.TrimSpace(line)
		if heading, ok := strings.CutPrefix(line, "## `display "); ok {
			pages = append(pages, &schema{strings.TrimSuffix(heading, "`"), map[string]string{}})
		}
		if m := fieldRow.FindStringSubmatch(line); m != nil {
			pages[len(pages)-1].types[m[1]] = m[2]
		}
	}
	return pages
}

// pageOf finds the section whose heading has the words, the shortest one.
func pageOf(pages []*schema, words string) (found *schema) {
	for _, page := range pages {
		if strings.HasPrefix(page.heading+" ", words+" ") && (found == nil || len(page.heading) < len(found.heading)) {
			found = page
		}
	}
	return found
}

// differences lists the fields of a value that do not match the section.
func (s *schema) differences(path string, value any) (wrong []string) {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			wrong = append(wrong, s.differences(strings.TrimPrefix(path+"."+key, "."), v[key])...)
		}
		return wrong
	case []any:
		if strings.HasPrefix(s.types[path], "list of strings") {
			return nil
		}
		for _, item := range v {
			wrong = append(wrong, s.differences(path+"[]", item)...)
		}
		return wrong
	}
	want, known := s.types[path]
	typ := jsonType(value)
	if !known || !strings.Contains(want, typ) {
		wrong = append(wrong, fmt.Sprintf("%s is %s, the page has %q", path, typ, want))
	}
	return wrong
}

func jsonType(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case float64, json.Number:
		return "number"
	}
	return "string"
}

// TestActions runs the actions of the user view on real interfaces.
func TestActions(t *testing.T) {
	p := newPair(t)
	p.start()
	for _, line := range []string{
		"ping ipv6 -c 2 -m 1 " + addr("c", "b").String(),
		"ping ipv6 -a " + addr("c", "a").String() + " -s 1000 -c 2 -m 1 " + addr("c", "b").String(),
	} {
		reply, err := p.a.exec(line)
		testnet.Must(t, err)
		contains(t, reply.Output, "2 packet(s) received")
	}
	reply, err := p.a.exec("ping ipv6 -c 1 -t 1 2001:db8:ffff::1")
	testnet.Must(t, err)
	contains(t, reply.Output, "100.00% packet loss")

	before := p.a.traffic(coreLink)
	if before == 0 {
		t.Error("the cable between the devices carries nothing")
	}
	p.a.types("reset counters interface "+coreLink, "reset e-trunk counters", "reset bfd statistics",
		"reset remote-backup-service counters", "reset mld control-message counters")
	if after := p.a.traffic(coreLink); after >= before {
		t.Errorf("%d packets after the reset, %d before", after, before)
	}
	eventually(t, "the counter goes on", func() error {
		if p.a.traffic(coreLink) == 0 {
			return fmt.Errorf("it stands at 0")
		}
		return nil
	})
}

// traffic returns how many packets an interface has sent since the last reset.
func (d *device) traffic(netdev string) uint64 {
	d.t.Helper()
	type facts struct {
		Output struct{ Packets uint64 }
	}
	var all struct{ Interfaces []facts }
	testnet.Must(d.t, d.display("interface "+netdev, &all))
	return all.Interfaces[0].Output.Packets
}
