package console

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestParsersReadDisplays: programs of operators parse VRP's displays by the fields in
// the templates of network automation. These templates must be able to read every line of
// Tandem's displays.
func TestParsersReadDisplays(t *testing.T) {
	const phy, protocol = `(?:down|\*down|up|up\(s\)|up\(b\))`, `(?:down|up)`
	for file, c := range map[string]struct {
		record string // how a line of the table is parsed, with its fields
		known  string // matches all other lines; empty if the template ignores them
		want   []string
	}{
		"interface-brief.txt": {
			`^\s*(\S+)\s+(` + phy + `)\s+(` + protocol + `)\s+(?:\d*\.?\d*%|--)\s+(?:\d*\.?\d*%|--)\s+(\d+)\s+(\d+)\s*$`,
			`^(?:PHY:\s+Physical|[*^#]down:.*|\(\w+\):\s+\S+.*|InUti/OutUti:.*|Interface\s+PHY\s+Protocol\s+InUti\s+OutUti\s+inErrors\s+outErrors\s*|\s*)$`,
			[]string{"Eth-Trunk10 up up 0 0", "eth1 *down down 0 0", "GigabitEthernet0/1/0 down down 0 0"},
		},
		"version.txt": {`^.*software,\s+Version\s+(\S+)\s+\((.+)\)`, "", []string{"v0.1.0 go1.26"}},
		"interface.txt": {`^(\S+)\s+current\s+state\s+:\s+(.+?)\s*$`,
			`^Line\s+protocol\s+current\s+state\s+:\s+\S*\s*$|^Description:.*$|^\S+\s+Port,\s*The\s+Maximum\s+Transmit\s+Unit\s+is\s+\d+|` +
				`^.*,\s+Hardware\s+address\s+is\s+\S{4}-\S{4}-\S{4}\s*$|^\s+|^$`,
			[]string{"Eth-Trunk10 UP", "eth1 Administratively DOWN", "GigabitEthernet0/1/0 ABSENT"}},
		"acl.txt": {`^\s*rule\s(\d+)\s(deny|permit)(?:\ssource\s([0-9a-f:]+/\d+))?(?:\sdestination\s([0-9a-f:]+/\d+))?(?:\s\(\d+\smatch(?:es)?\))?\s*$`,
			`^\s*Total\snonempty\sacl6\snumber\sis\s\d+\s*$|^\S+(?:\sIPv6)?\sACL\s(?:\S+\s)?\d+,\s\d+.*$|^\S+ IPv6 ACL gold, 1.*$`, // a list without a number is ours
			[]string{"5 permit ff3e::/16 ", "10 deny  ", "5 permit 2001:db8:5::/48 ff3e::/32"}},
		"eth-trunk.txt": {`^(?:Operating Status) : (\S+)\s+Number Of Up Ports In Trunk : (\d+)`, "", []string{"up 1"}},
	} {
		text, err := os.ReadFile("testdata/display/" + file)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSuffix(line, "\n")
			if m := regexp.MustCompile(c.record).FindStringSubmatch(line); m != nil {
				got = append(got, strings.Join(m[1:], " "))
			} else if c.known != "" && !regexp.MustCompile(c.known).MatchString(line) {
				t.Errorf("%s: a parser does not know %q", file, line)
			}
		}
		if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%s: a parser reads %q, want %q", file, got, c.want)
		}
	}
}
