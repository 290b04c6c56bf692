package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tandem/internal/command"
	"tandem/internal/etrunk"
)

// testKeys returns a keyring that all tests share.
func testKeys(t testing.TB) *Keyring {
	t.Helper()
	keys, err := newKeyring([]byte(strings.Repeat("k", KeySize)))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// shell is a small console for the tests: the command table of this package, and the few
// commands that a console adds.
type shell struct {
	*Editor
	table *command.Table[*shell]
}

func newShell(t testing.TB) *shell {
	t.Helper()
	home := func(s *shell, _ command.Args) error { s.View = SystemView; return nil }
	none := func(*shell, command.Args) error { return nil }
	commands := append(Commands(func(s *shell) *Editor { return s.Editor }),
		command.Command[*shell]{Views: []string{ViewConfig}, Syntax: "quit", Run: home},
		command.Command[*shell]{Views: []string{ViewConfig}, Syntax: "system-view", Run: home},
		command.Command[*shell]{Views: []string{ViewConfig}, Syntax: "commit", Run: none},
	)
	table, err := command.New(Vocabulary(), commands)
	if err != nil {
		t.Fatal(err)
	}
	return &shell{newEditor(New(), testKeys(t)), table}
}

func (s *shell) exec(line string) error {
	m, err := s.table.Match(s.View.Chain(), line)
	if err != nil {
		return err
	}
	return m.Run(s)
}

// run executes lines and fails the test at the first refusal.
func (s *shell) run(t testing.TB, lines string) *shell {
	t.Helper()
	for _, line := range strings.Split(lines, "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if err := s.exec(line); err != nil {
			t.Fatalf("%q in view %v: %v", line, s.View, err)
		}
	}
	return s
}

// procedure is the operator's procedure on one device, in the original order and words,
// followed by the commands that it does not mention.
const procedure = `
system-view
remote-backup-service rbs1
peer-ipv6 2001:db8::2 source-ipv6 2001:db8::1 port 7100
quit
remote-backup-profile rbp1
backup-id 10 remote-backup-service rbs1
peer-backup hot
quit
remote-backup-profile rbp1
e-trunk 1 eth-trunk 10
quit
e-trunk 1
priority 10
security-key simple Secret1
peer-ipv6 2001:db8::2 source-ipv6 2001:db8::1
commit
system-view
interface eth-trunk 10
e-trunk mode force-master
quit
bfd
quit
bfd b1 bind peer-ipv6 2001:db8::2 source-ipv6 2001:db8::1 track-interface interface eth1
discriminator local 1
discriminator remote 2
quit
e-trunk 1
e-trunk track bfd-session
quit
commit
system-view
remote-backup-profile rbp1
service-type mld
quit
interface eth-trunk 10
remote-backup-profile rbp1
quit
commit
`

const surroundings = `
multicast ipv6 routing-enable
interface Eth-Trunk10
mld enable
quit
interface eth2
mld proxy
quit
`

func TestProcedure(t *testing.T) {
	s := newShell(t).run(t, procedure+surroundings)
	if problems := Validate(s.Model); len(problems) != 0 {
		t.Errorf("problems %v", problems)
	}
	want := strings.Split(`#
multicast ipv6 routing-enable
#
bfd
#
bfd b1 bind peer-ipv6 2001:db8::2 source-ipv6 2001:db8::1 track-interface interface eth1
 discriminator local 1
 discriminator remote 2
#
remote-backup-service rbs1
 peer-ipv6 2001:db8::2 source-ipv6 2001:db8::1 port 7100
#
remote-backup-profile rbp1
 service-type mld
 backup-id 10 remote-backup-service rbs1
 peer-backup hot
 e-trunk 1 eth-trunk 10
#
e-trunk 1
 priority 10
 peer-ipv6 2001:db8::2 source-ipv6 2001:db8::1
 e-trunk track bfd-session
 security-key cipher `+s.keys.seal(newSecret("Secret1"))+`
#
interface Eth-Trunk10
 e-trunk mode force-master
 mld enable
 remote-backup-profile rbp1
#
interface eth2
 mld proxy
#
return`, "\n")
	if diff := cmp.Diff(want, Write(s.Model, s.keys)); diff != "" {
		t.Error(diff)
	}
	members := s.Model.Members(1)
	if diff := cmp.Diff([]Member{{10, 10, etrunk.ForceMaster}}, members); diff != "" {
		t.Error(diff)
	}
	if b, err := s.Model.BoundSession(s.Model.ETrunks[1]); err != nil || b == nil || b.Name != "b1" {
		t.Errorf("bound session %v, %v", b, err)
	}
}

// A displayed configuration is pasted into a console without its # lines. It makes the same
// model.
func TestPaste(t *testing.T) {
	s := newShell(t).run(t, procedure+surroundings)
	again := newShell(t)
	for _, line := range Write(s.Model, s.keys) {
		if line != "#" && line != "return" {
			again.run(t, line)
		}
	}
	if diff := cmp.Diff(Write(s.Model, s.keys), Write(again.Model, s.keys)); diff != "" {
		t.Error(diff)
	}
}

func TestEveryKeywordAndParameterHasHelp(t *testing.T) {
	table := newShell(t).table
	for _, c := range editorCommands() {
		if c.Help == "" {
			t.Errorf("%q has no help", c.Syntax)
		}
		for _, word := range strings.Fields(c.Syntax) {
			if name, ok := strings.CutPrefix(word, "<"); ok {
				name, _, _ = strings.Cut(strings.TrimSuffix(name, ">"), ":")
				if help["<"+name+">"] == "" {
					t.Errorf("%q: no help for <%s>", c.Syntax, name)
				}
			}
		}
	}
	candidates, err := table.Complete(View{ViewETrunk, "1"}.Chain(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range candidates {
		if c.Help == "" && !slices.Contains([]string{"quit", "system-view", "commit"}, c.Word) {
			t.Errorf("no help for %q in the E-Trunk view", c.Word)
		}
	}
}

func TestRefusals(t *testing.T) {
	s := newShell(t).run(t, procedure)
	before := Write(s.Model, s.keys)
	for _, c := range []struct{ view, line, want string }{
		{"", "e-trunk 65", "e-trunk-id: 65 is outside 1..64"},
		{"", "e-trunk ipv6 port 80", "80 is outside 1025..65535"},
		{"", "bfd nobody", "unknown BFD session nobody; known: b1"},
		{"", "bfd b1 bind peer-ipv6 2001:db8::9", "already bound"},
		{"", "undo e-trunk 2", "there is no such e-trunk"},
		{"", "undo interface eth7", "there is no such interface"},
		{"", "undo remote-backup-service x", "there is no such remote-backup-service"},
		{"", "interface eth-trunk 5000", "0..1023"},
		{"", "interface eth-trunk10.0", "1..4094"},
		{"", "interface eth-trunk1000.4000", "longer than a Linux name"},
		{"", "interface abcdefghijklmnop", "more than 15 characters"},
		{"", "interface a*b", "not an interface name"},
		{"", "interface eth-trunk", "Incomplete"},
		{"", "interface GigabitEthernet", "Incomplete"},
		{"", "lacp e-trunk system-id 0100-0000-0000", "unicast"},
		{"", "ssl server p", "Unrecognized"},
		{"e-trunk 1", "peer-ipv6 2001:db8::1 source-ipv6 2001:db8::1", "same address"},
		{"e-trunk 1", "peer-ipv6 fe80::1 source-ipv6 2001:db8::1", "link-local"},
		{"e-trunk 1", "peer-ipv6 ff02::1 source-ipv6 2001:db8::1", "not the unicast address"},
		{"e-trunk 1", "peer-ipv6 10.0.0.1 source-ipv6 2001:db8::1", "not an IPv6 address"},
		{"e-trunk 1", "priority 0", "0 is outside 1..254"},
		{"e-trunk 1", `security-key simple "a b"`, "it has spaces"},
		{"e-trunk 1", "security-key cipher %^%#AAAA%^%#", "another device or is damaged"},
		{"e-trunk 1", "timer hello 4", "4 is outside 5..100"},
		{"remote-backup-profile rbp1", "backup-id 0 remote-backup-service rbs1", "0 is outside 1..4294967295"},
		{"remote-backup-service rbs1", "peer-ipv6 2001:db8::1 source-ipv6 2001:db8::2 port 1024", "1024 is outside 1025..65535"},
		{"interface eth-trunk 10", "ipv6 address ff02::1/64", "not an address"},
		{"interface eth-trunk 10", "ipv6 address 10.0.0.1/24", "not an IPv6 address"},
		{"interface eth-trunk 10", "mac-address 0000-0000-0000", "unicast"},
		{"interface eth-trunk 10", "mld version 3", "3 is outside 1..2"},
	} {
		s.View = SystemView
		if c.view != "" {
			s.run(t, c.view)
		}
		err := s.exec(c.line)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q in %q: %v, want %q", c.line, c.view, err, c.want)
		}
		if diff := cmp.Diff(before, Write(s.Model, s.keys)); diff != "" {
			t.Errorf("%q changed the model: %s", c.line, diff)
		}
	}
	s.run(t, "system-view\ninterface eth1")
	if err := s.exec("mac-address 00e0-fc12-3456"); err == nil {
		t.Error("an interface that is no Eth-Trunk takes mac-address")
	}
}

// Names do not depend on upper and lower case. They keep the case of their first use.
func TestNamesFoldCase(t *testing.T) {
	s := newShell(t).run(t, procedure+`
remote-backup-profile RBP1
undo peer-backup hot
quit
bfd B1
min-tx-interval 20
quit
remote-backup-service "two words"
peer-ipv6 2001:db8::3 source-ipv6 2001:db8::1
`)
	if s.Model.Profiles["rbp1"].Hot || len(s.Model.Profiles) != 1 || len(s.Model.Sessions) != 1 {
		t.Errorf("profiles %v, sessions %v", s.Model.Profiles, s.Model.Sessions)
	}
	m, err := Parse(strings.Join(Write(s.Model, s.keys), "\n"), s.keys)
	if err != nil || m.Service("TWO WORDS") == nil {
		t.Errorf("service %v, %v", m, err)
	}
	s.run(t, "system-view\nundo remote-backup-service \"Two Words\"")
	if s.Model.Service("two words") != nil {
		t.Error("the service is still there")
	}
}

func TestInterfaceNames(t *testing.T) {
	for typed, want := range map[string]struct {
		name   InterfaceName
		netdev string
	}{
		"eth-trunk 10":            {"Eth-Trunk10", "eth-trunk10"},
		"Eth-Trunk10":             {"Eth-Trunk10", "eth-trunk10"},
		"ETH-TRUNK 010":           {"Eth-Trunk10", "eth-trunk10"},
		"eth-tr 0":                {"Eth-Trunk0", "eth-trunk0"},
		"eth-trunk10.100":         {"Eth-Trunk10.100", "eth-trunk10.100"},
		"eth-trunk 10.100":        {"Eth-Trunk10.100", "eth-trunk10.100"},
		"eth0":                    {"eth0", "eth0"},
		"lo":                      {"lo", "lo"},
		"enp3s0f1":                {"enp3s0f1", "enp3s0f1"},
		"br-lan":                  {"br-lan", "br-lan"},
		"loopback0":               {"loopback0", "loopback0"},
		"LoopBack 0":              {"LoopBack0", "LoopBack0"},
		"GigabitEthernet 0/1/0":   {"GigabitEthernet0/1/0", "GigabitEthernet0/1/0"},
		"gigabitethernet0/1/0":    {"GigabitEthernet0/1/0", "GigabitEthernet0/1/0"},
		"gigabitethernet 0/1/0.5": {"GigabitEthernet0/1/0.5", "GigabitEthernet0/1/0.5"},
	} {
		words := strings.Fields(typed)
		name, taken, err := parseInterfaceName(words)
		if err != nil || name != want.name || taken != len(words) || name.Netdev() != want.netdev {
			t.Errorf("%q: %q (%s), %d words, %v", typed, name, name.Netdev(), taken, err)
		}
		if strings.Contains(typed, "/") != name.HasSlash() {
			t.Errorf("%q: HasSlash %v", typed, name.HasSlash())
		}
	}
	if name, taken, err := parseInterfaceName([]string{"eth0", "verbose"}); name != "eth0" || taken != 1 || err != nil {
		t.Errorf("eth0 verbose: %q, %d, %v", name, taken, err)
	}
	if n, sub, ok := InterfaceName("Eth-Trunk10.100").OnEthTrunk(); n != 10 || sub != 100 || !ok {
		t.Errorf("Eth-Trunk10.100 is on %d, %d, %v", n, sub, ok)
	}
	if _, ok := InterfaceName("Eth-Trunk10.100").EthTrunk(); ok {
		t.Error("a sub-interface is taken for an Eth-Trunk")
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]struct {
		line int
		text string
	}{
		"#\nfrob\n":                          {2, "Unrecognized command"},
		"#\ne-trunk 1\n priority 300\n":      {3, "300 is outside 1..254"},
		"#\n priority 30\n":                  {2, "Unrecognized"},
		"#\ne-trunk 1\n#\n priority 30\n":    {4, "Unrecognized"},
		"#\nremote-backup-service s\n hot\n": {3, "Unrecognized"},
	} {
		_, err := Parse(text, testKeys(t))
		var e *LineError
		if !errors.As(err, &e) || e.Line != want.line || !strings.Contains(err.Error(), want.text) {
			t.Errorf("%q: %v, want line %d, %q", text, err, want.line, want.text)
		}
	}
	m, err := Parse("! comment\n\n#\r\nsysname X\r\nreturn\nfrob", testKeys(t))
	if err != nil || m.SysName != "X" {
		t.Errorf("%v, %v", m, err)
	}
}

func TestSecrets(t *testing.T) {
	keys := testKeys(t)
	key := newSecret("TopSecret")
	sealed := keys.seal(key)
	if again, err := keys.open(sealed); err != nil || string(again.Reveal()) != "TopSecret" {
		t.Errorf("%q opens as %q, %v", sealed, again.Reveal(), err)
	}
	if sealed != keys.seal(key) || sealed == keys.seal(newSecret("Other")) {
		t.Error("the cipher text does not follow the plain text")
	}
	if again, err := keys.open("PlainKey"); err != nil || string(again.Reveal()) != "PlainKey" {
		t.Errorf("plain text behind cipher: %q, %v", again.Reveal(), err)
	}
	foreign, _ := newKeyring([]byte(strings.Repeat("f", KeySize)))
	for _, text := range []string{foreign.seal(key), sealed[:len(sealed)-1], sealed[:20] + "A" + sealed[21:], "%^%#", "%^%#%^%#", foreign.seal(Secret{})} {
		if _, err := keys.open(text); !errors.Is(err, ErrForeignCipher) {
			t.Errorf("%q: %v, want ErrForeignCipher", text, err)
		}
	}
	if shown := fmt.Sprintf("%v %+v %#v %s", key, ETrunk{Key: key}, key, key); strings.Contains(shown, "TopSecret") {
		t.Errorf("the secret shows in %q", shown)
	}
	if longest := keys.seal(newSecret(strings.Repeat("x", 255))); len(longest) > 432 || len(sealed) < 32 {
		t.Errorf("cipher text of %d characters", len(longest))
	}
	if _, err := newKeyring(nil); err == nil {
		t.Error("a keyring of no key")
	}
}

func TestDiff(t *testing.T) {
	s := newShell(t).run(t, procedure)
	before := s.Model.Clone()
	if changes := Diff(before, s.Model, s.keys); changes != nil {
		t.Errorf("changes %q", changes)
	}
	s.run(t, `
sysname A
e-trunk 1
priority 20
quit
undo bfd b1
interface eth3
mld enable
`)
	want := []string{
		"- bfd b1 bind peer-ipv6 2001:db8::2 source-ipv6 2001:db8::1 track-interface interface eth1",
		"-  discriminator local 1",
		"-  discriminator remote 2",
		"+ sysname A",
		"  e-trunk 1",
		"-  priority 10",
		"+  priority 20",
		"+ interface eth3",
		"+  mld enable",
	}
	if diff := cmp.Diff(want, Diff(before, s.Model, s.keys)); diff != "" {
		t.Error(diff)
	}
}

func TestWriteView(t *testing.T) {
	s := newShell(t).run(t, procedure)
	want := []string{"#", "interface Eth-Trunk10", " e-trunk mode force-master", " remote-backup-profile rbp1", "#", "return"}
	if diff := cmp.Diff(want, WriteView(s.Model, s.keys, View{ViewInterface, "Eth-Trunk10"})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"#", "bfd", "#", "return"}, WriteView(s.Model, s.keys, View{Kind: ViewBFD})); diff != "" {
		t.Error(diff)
	}
}

func TestCloneSharesNothing(t *testing.T) {
	s := newShell(t).run(t, procedure+"interface eth5\nipv6 address 2001:db8:5::1/64\nipv6 address 2001:db8:5::2/64\n"+
		"e-trunk 1\nheartbeat peer-ipv6 2001:db8:1::2 source-ipv6 2001:db8:1::1\nheartbeat peer-ipv6 2001:db8:2::2 source-ipv6 2001:db8:2::1")
	c := s.Model.Clone()
	if !reflect.DeepEqual(c, s.Model) {
		t.Fatal("the clone differs")
	}
	before := Write(c, s.keys)
	s.run(t, "interface eth5\nundo ipv6 address 2001:db8:5::1/64\nshutdown\ne-trunk 1\npriority 77\nundo heartbeat peer-ipv6 2001:db8:1::2 source-ipv6 2001:db8:1::1\nquit\nundo remote-backup-service rbs1")
	if diff := cmp.Diff(before, Write(c, s.keys)); diff != "" {
		t.Error(diff)
	}
}

func TestAddresses(t *testing.T) {
	s := newShell(t).run(t, "interface eth1\nipv6 address 2001:db8::2 64\nipv6 address 2001:db8::1/64\nipv6 address 2001:db8::3/64\nundo ipv6 address 2001:db8::3 64")
	eth1 := s.Model.Interfaces["eth1"]
	if got := fmt.Sprint(eth1.Addresses); got != "[2001:db8::1/64 2001:db8::2/64]" {
		t.Errorf("addresses %s", got)
	}
	if s.run(t, "undo ipv6 address"); eth1.Addresses != nil {
		t.Errorf("addresses %v are left", eth1.Addresses)
	}
}

func TestTuning(t *testing.T) {
	s := newShell(t).run(t, "mld\ntimer query 60\nrobust-count 3\nquit\ninterface eth1\nmld enable\nmld timer query 125")
	got := s.Model.Tuning(s.Model.Interfaces["eth1"])
	want := Tuning{defaultTuning.QueryInterval, defaultTuning.MaxResponse, defaultTuning.LastListenerInterval, 3}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// If another candidate or the operator removes the object of a view, the editor leaves the
// view.
func TestRemovedObjectOfView(t *testing.T) {
	s := newShell(t).run(t, procedure+"e-trunk 1")
	delete(s.Model.ETrunks, 1)
	for _, line := range []string{"priority 3", "security-key simple x"} {
		if err := s.exec(line); err == nil || !strings.Contains(err.Error(), "does not exist any more") {
			t.Errorf("%q: %v", line, err)
		}
	}
}
