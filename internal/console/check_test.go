package console

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tandem/internal/config"
)

// report formats findings as `tandem check` does, warnings with a w.
func report(findings []Finding) string {
	var b strings.Builder
	for _, f := range findings {
		kind := "e"
		if f.Warning {
			kind = "w"
		}
		fmt.Fprintf(&b, "%d%s %s\n", f.Line, kind, f.Problem)
	}
	return b.String()
}

func TestCheck(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"empty": {"", ""},
		"text": {`#
sysname A
#
e-trunk 1
 priority 300
 prioritx 3
 security-key cipher %^%#bm90IG91cnM%^%#
#
remote-backup-profile p1
 backup-id 7 remote-backup-service nowhere
#
e-trunk 65
 priority 5
 security-key simple k
#
interface Eth-Trunk10
 mld group-policy 2000
 remote-backup-profile "p 9
#
interface eth1
 mld proxy
#
interface eth2
 mld proxy
#
return
garbage behind the end
`, `0w multicast ipv6: routing is not enabled, so MLD on eth1, eth2 does nothing
4w e-trunk 1: it has no peer-ipv6, so it cannot find its peer
5e Wrong parameter (priority: 300 is outside 1..254)
6e Unrecognized command
9e remote-backup-profile p1: unknown remote-backup-service nowhere; none is configured
9w remote-backup-profile p1: nothing is backed up without peer-backup hot, e-trunk, service-type
12e Wrong parameter (e-trunk-id: 65 is outside 1..64)
16e interface Eth-Trunk10: mld group-policy uses acl ipv6 2000, which does not exist; none is configured
18e Wrong parameter (the closing quote is missing)
21e mld proxy: there can be one upstream interface, not eth1 and eth2
`},
		"script": {`system-view
e-trunk 1
priority 0
commit
return
display e-trunk 1
ping ipv6 2001:db8::1
save now
system-view
remote-backup-service s1
bind ssl-policy none
commit
`, `2w e-trunk 1: it has no security-key, so it sends and accepts nothing
2w e-trunk 1: it has no peer-ipv6, so it cannot find its peer
3e Wrong parameter (priority: 0 is outside 1..254)
8e Too many parameters
10e remote-backup-service s1: unknown ssl policy none; none is configured
12e the last commands are not committed
`},
	} {
		_, findings, err := Check(c.text)
		if diff := cmp.Diff(c.want, report(findings)); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// TestCheckAgreesWithParse checks the text that a device writes, and the configuration
// files of the lab.
func TestCheckAgreesWithParse(t *testing.T) {
	for _, file := range []string{"../lab/device-a.cfg", "../lab/device-b.cfg"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m, findings, err := Check(string(text))
		if err != nil || len(findings) > 0 {
			t.Errorf("%s: %v\n%s", file, err, report(findings))
		}
		written := strings.Join(config.Write(m, newTestStore(t).Keys()), "\n") // a check does not decrypt cipher text
		again, findings, err := Check(written)
		if err != nil || len(findings) > 0 {
			t.Fatalf("%s written: %v\n%s", file, err, report(findings))
		}
		if diff := cmp.Diff(written, strings.Join(config.Write(again, config.OpaqueKeyring()), "\n")); diff != "" {
			t.Errorf("%s is read back otherwise (-want +got):\n%s", file, diff)
		}
	}
}

// FuzzCheck checks any text. A text without errors must be a configuration.
func FuzzCheck(f *testing.F) {
	f.Add("#\ne-trunk 1\n priority 3\n#\nreturn\n")
	f.Add("system-view\ne-trunk 1\ncommit\nquit\nquit\n")
	f.Add("sy i\nint eth-t 10\nundo mld s\n\"")
	f.Fuzz(func(t *testing.T, text string) {
		m, findings, err := Check(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range findings {
			if f.Line < 0 || f.Problem == "" {
				t.Errorf("%+v", f)
			}
		}
		written := strings.Join(config.Write(m, config.OpaqueKeyring()), "\n")
		if _, again, err := Check(written); err != nil || strings.Contains(report(again), "e Wrong parameter") {
			t.Errorf("written: %v\n%s", err, report(again))
		}
	})
}
