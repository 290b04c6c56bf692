package config

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tandem/internal/command"
)

// parameterWords draws a random value of a parameter, as words that an operator may type.
func parameterWords(t *rapid.T, keys *Keyring, name string, typ command.Type) string {
	draw := func(words ...string) string { return rapid.SampledFrom(words).Draw(t, name) }
	switch {
	case name == "key":
		return draw("k", "Secret-1", strings.Repeat("x", 255))
	case name == "cipher-key":
		return draw("plain", keys.seal(newSecret("sealed")))
	case name == "mac":
		return draw("00e0-fc12-3456", "02:00:00:00:00:01")
	case strings.Contains(typ.Name, ".."):
		low, high, _ := strings.Cut(typ.Name, "..")
		if strings.HasPrefix(typ.Name, "string") {
			return draw("a", "B", `"two words"`, "x-1", "é")
		}
		if strings.HasPrefix(typ.Name, "line") {
			return draw("text", `a  "b" c`, "undo # return", "é")
		}
		from, _ := strconv.ParseUint(low, 10, 64)
		to, _ := strconv.ParseUint(high, 10, 64)
		v := rapid.Uint64Range(from, to).Draw(t, name)
		return strconv.FormatUint(v, 10)
	}
	switch typ.Name {
	case "ipv6", "unicast", "global", "host":
		return draw("2001:db8::1", "2001:db8::2", "2001:DB8:0::3")
	case "prefix", "host-prefix":
		return draw("2001:db8:1::1/64", "2001:db8:1::1/127", "2001:db8:2::1/64", "fe80::1/64")
	case "any-address":
		return draw("::", "::1", "127.0.0.1", "192.0.2.1", "2001:db8::1")
	case "multicast", "group":
		return draw("ff3e::1", "ff1e::2", "FF3E:0::")
	case "group-range":
		return draw("ff3e::/32", "ff3e:1::/20", "ff00::/8")
	case "file":
		return draw("/etc/tandem/ca.pem", `"/two words"`, "/é")
	case "vpn":
		return draw("red", "Blue-2", "vrf.3")
	case "public-key":
		return draw("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ",
			"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMNL6hJZ7yBqqVnpZP5aYQ9K3fVZ6oNh1mXQ2v7hUu0T")
	case "acl-name":
		return draw("gold", "S-1", "gold.2")
	case "interface":
		return draw("eth-trunk 10", "Eth-Trunk10", "eth-trunk 10.100", "eth0", "GigabitEthernet 0/1/0", "lo")
	}
	t.Fatalf("no words for parameter type %s", typ.Name)
	return ""
}

// openView draws a random view and the lines that make its object.
func openView(t *rapid.T, view string) string {
	lines := map[string]string{
		ViewSystem:      "system-view",
		ViewMLD:         "mld",
		ViewBasicACL:    rapid.SampledFrom([]string{"acl ipv6 number 2001", "acl ipv6 name gold-b basic"}).Draw(t, "acl"),
		ViewAdvancedACL: rapid.SampledFrom([]string{"acl ipv6 number 3001", "acl ipv6 name gold-a"}).Draw(t, "acl"),
		ViewSSHUser:     "ssh user ann",
		ViewSession:     "bfd s1 bind peer-ipv6 2001:db8::2 source-ipv6 2001:db8::1",
		ViewSSL:         "ssl policy p1",
		ViewVPN:         "ip vpn-instance red",
		ViewService:     "remote-backup-service rbs1",
		ViewProfile:     "remote-backup-profile rbp1",
		ViewETrunk:      "e-trunk 7",
		ViewInterface:   rapid.SampledFrom([]string{"interface eth9", "interface eth-trunk 9", "interface eth-trunk 9.4"}).Draw(t, "interface"),
		ViewEthTrunk:    "interface eth-trunk 9",
	}
	lines[ViewPort], lines[ViewSub] = "interface eth9", "interface eth-trunk 9.4"
	line, ok := lines[view]
	if !ok {
		t.Fatalf("no way into view %s", view)
	}
	return line
}

// sampleLine draws a random line of a command.
func sampleLine(t *rapid.T, s *shell, syntax string) string {
	line, err := s.table.Sample(command.Command[*shell]{Syntax: syntax},
		func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "way") },
		func(name string, typ command.Type) string { return parameterWords(t, s.keys, name, typ) })
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// refusedForGoodReason reports whether an error depends on more than one parameter. Such
// errors are permitted.
func refusedForGoodReason(err error) bool {
	for _, reason := range []string{"same address", "unknown BFD session", "already bound", "there is no such", "is of the kind", "no number is left"} {
		if strings.Contains(err.Error(), reason) {
			return true
		}
	}
	return false
}

func roundTrip(t *rapid.T, s *shell) {
	text := strings.Join(Write(s.Model, s.keys), "\n")
	again, err := Parse(text, s.keys)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if !reflect.DeepEqual(again, s.Model) {
		t.Fatalf("the text makes another model:\n%s\nis read as\n%s", text, strings.Join(Write(again, s.keys), "\n"))
	}
}

// TestEveryCommand draws a command of the table and an object for it. What the command sets
// is written and read back as the same. Its undo restores the state before it. So does undo
// in front of each written line.
func TestEveryCommand(t *testing.T) {
	for _, r := range rows {
		t.Run(r.view+"/"+r.syntax, func(t *testing.T) {
			base := newShell(t)
			rapid.Check(t, func(t *rapid.T) {
				s := &shell{newEditor(New(), base.keys), base.table}
				if err := s.exec(openView(t, r.view)); err != nil {
					t.Fatal(err)
				}
				before, view := s.Model.Clone(), s.View
				line := sampleLine(t, s, r.syntax)
				if err := s.exec(line); err != nil {
					if !refusedForGoodReason(err) || !reflect.DeepEqual(before, s.Model) {
						t.Fatalf("%q: %v", line, err)
					}
					return
				}
				roundTrip(t, s)
				after, changed := s.Model.Clone(), !reflect.DeepEqual(before, s.Model)
				undoWritten(t, s, view, before)
				s.Model, s.View = after, view
				if r.opens && r.view == ViewSystem {
					s.View = SystemView
				}
				if err := s.exec("undo " + line); err != nil {
					t.Fatalf("undo %q: %v", line, err)
				}
				if !reflect.DeepEqual(before, s.Model) {
					if negates(r) && !changed {
						return // the command changed nothing, so its undo would be a change
					}
					t.Fatalf("%q and its undo leave %s", line, cmp.Diff(Write(before, s.keys), Write(s.Model, s.keys)))
				}
			})
		})
	}
}

// negates reports whether an entry is a flag that is on by default.
func negates(r entry) bool {
	return r.syntax == "mld send-router-alert" || r.syntax == "ipv6 address auto link-local" || r.syntax == "http server enable"
}

// undoWritten runs undo for every line that a view has gained.
func undoWritten(t *rapid.T, s *shell, view View, before *Model) {
	old := viewLines(before, view, s.keys)
	for _, line := range viewLines(s.Model, view, s.keys) {
		if slices.Contains(old, line) || strings.HasPrefix(line, "undo ") {
			continue
		}
		s.View = view
		if err := s.exec("undo " + line); err != nil {
			t.Fatalf("undo %q: %v", line, err)
		}
	}
	if diff := cmp.Diff(old, viewLines(s.Model, view, s.keys)); diff != "" {
		t.Fatalf("undoing what was written leaves %s", diff)
	}
}

// TestEditing makes models by many random edits and checks whole models.
func TestEditing(t *testing.T) {
	base := newShell(t)
	rapid.Check(t, func(t *rapid.T) {
		s := &shell{newEditor(New(), base.keys), base.table}
		for range rapid.IntRange(1, 60).Draw(t, "commands") {
			r := rapid.SampledFrom(rows).Draw(t, "row")
			syntax := r.syntax
			if rapid.IntRange(0, 3).Draw(t, "undo") == 0 {
				syntax = "undo " + r.undoSyntax()
			}
			before := s.Model.Clone()
			s.View = SystemView
			if err := s.exec(openView(t, r.view)); err != nil {
				t.Fatal(err)
			}
			opened := s.Model.Clone()
			line := sampleLine(t, s, syntax)
			if err := s.exec(line); err != nil && (!refusedForGoodReason(err) || !reflect.DeepEqual(opened, s.Model)) {
				t.Fatalf("%q: %v", line, err)
			}
			if (len(Diff(before, s.Model, s.keys)) == 0) != reflect.DeepEqual(before, s.Model) {
				t.Fatalf("after %q the difference is %q", line, Diff(before, s.Model, s.keys))
			}
			if !s.Model.has(s.View) {
				t.Fatalf("%q leaves the view %v of nothing", line, s.View)
			}
		}
		roundTrip(t, s)
		Validate(s.Model) // must not panic
	})
}

// FuzzParse: a text is refused, or it makes a model whose text makes the same model again.
func FuzzParse(f *testing.F) {
	s := newShell(f).run(f, procedure+surroundings)
	f.Add(strings.Join(Write(s.Model, s.keys), "\n"))
	for _, text := range []string{
		"#\nmld\n timer query 3\n#\nreturn",
		"#\ninterface Eth-Trunk10\n undo mld send-router-alert\n e-trunk 3 remote-eth-trunk 4\n",
		"#\nremote-backup-profile \"a b\"\n backup-id 3 remote-backup-service \"c d\"\n",
		"#\ninterface GigabitEthernet0/1/0\n description a \"b\" é\n ipv6 address 2001:db8::1 64\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := Parse(text, s.keys)
		if err != nil {
			return
		}
		written := strings.Join(Write(m, s.keys), "\n")
		again, err := Parse(written, s.keys)
		if err != nil {
			t.Fatalf("%v in %q", err, written)
		}
		if !reflect.DeepEqual(m, again) {
			t.Fatalf("%q is read back as %q", written, strings.Join(Write(again, s.keys), "\n"))
		}
		Validate(m)
	})
}
