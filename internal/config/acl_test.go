package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const admission = `
acl ipv6 number 2000
rule permit source ff3e::/16
rule 3 deny source ff3e::99 128
rule permit
rule permit source ff3e::/16
quit
acl ipv6 name gold
description what gold customers get
rule permit ipv6 destination ff3e::1:0/112 source 2001:db8:5::/48
rule deny ipv6 source any destination any
quit
mld
limit 100000
ssm-mapping ff3e::1 32 2001:db8:5::1
ssm-mapping ff3e::/32 2001:db8:5::2
quit
multicast ipv6 routing-enable
interface eth1
mld enable
mld group-policy 2000
mld access-limit 50 except acl6-name gold
mld prompt-leave group-policy acl6-name gold
mld static-group ff3e::7 source 2001:db8:5::1
mld static-group ff1e::7
mld ssm-mapping enable
quit
`

func TestAdmission(t *testing.T) {
	s := newShell(t).run(t, admission)
	want := strings.Split(strings.TrimSpace(`
#
multicast ipv6 routing-enable
#
mld
 limit 100000
 ssm-mapping ff3e::/32 2001:db8:5::1
 ssm-mapping ff3e::/32 2001:db8:5::2
#
acl ipv6 number 2000
 rule 3 deny source ff3e::99/128
 rule 5 permit source ff3e::/16
 rule 10 permit
#
acl ipv6 name gold advance
 description what gold customers get
 rule 5 permit source 2001:db8:5::/48 destination ff3e::1:0/112
 rule 10 deny
#
interface eth1
 mld enable
 mld prompt-leave group-policy acl6-name gold
 mld group-policy 2000
 mld access-limit 50 except acl6-name gold
 mld static-group ff1e::7
 mld static-group ff3e::7 source 2001:db8:5::1
 mld ssm-mapping enable
#
return
`), "\n")
	if diff := cmp.Diff(want, Write(s.Model, s.keys)); diff != "" {
		t.Error(diff)
	}
	if problems := Validate(s.Model); len(problems) > 0 {
		t.Error(problems)
	}
	c := s.Model.Clone()
	if !reflect.DeepEqual(c, s.Model) {
		t.Error("the clone differs")
	}
	s.run(t, "acl ipv6 number 2000\nrule 3 permit\nmld\nundo ssm-mapping\ninterface eth1\nundo mld static-group")
	if diff := cmp.Diff(want, Write(c, s.keys)); diff != "" {
		t.Errorf("the clone has changed too: %s", diff)
	}
}

func TestACLRules(t *testing.T) {
	for _, c := range []struct{ name, lines, want string }{
		{"a rule is replaced by its number", "rule 5 permit\nrule 5 deny source ff3e::/16", "rule 5 deny source ff3e::/16"},
		{"the next number is a multiple of five", "rule 7 permit source ff1e::/16\nrule deny", "rule 7 permit source ff1e::/16, rule 10 deny"},
		{"undone by number", "rule 5 permit\nrule 9 deny\nundo rule 5", "rule 9 deny"},
		{"undone by what it says", "rule 5 permit source ff1e::7/16\nrule deny\nundo rule permit source ff1e:: 16", "rule 10 deny"},
		{"host bits do not count", "rule permit source ff3e:1:2::3/16", "rule 5 permit source ff3e::/16"},
		{"all addresses", "rule permit source ::/0", "rule 5 permit"},
	} {
		s := newShell(t).run(t, "acl ipv6 number 2999\n"+c.lines)
		var rules []string
		for _, r := range s.Model.ACLs["2999"].Rules {
			rules = append(rules, r.String())
		}
		if got := strings.Join(rules, ", "); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestACLRefusals(t *testing.T) {
	s := newShell(t).run(t, admission)
	before := Write(s.Model, s.keys)
	for _, c := range []struct{ view, line, want string }{
		{"", "acl ipv6 number 1999", "1999 is outside 2000..3999"},
		{"", "acl ipv6 name 7up", "not a letter"},
		{"", "acl ipv6 name gold basic", "gold exists and is of the kind advance"},
		{"", "undo acl ipv6 number 2001", "there is no such acl"},
		{"acl ipv6 number 2000", "rule permit destination ff3e::/16", "Unrecognized"},
		{"acl ipv6 number 2000", "undo rule 77", "there is no such rule"},
		{"acl ipv6 number 2000", "undo rule deny", "there is no such rule"},
		{"acl ipv6 name gold", "rule permit source 10.0.0.0/8", "not an IPv6 address"},
		{"mld", "ssm-mapping 2001:db8::/32 2001:db8::1", "not a range of IPv6 multicast addresses"},
		{"mld", "ssm-mapping ff3e::/32 ff3e::1", "not the unicast address"},
		{"mld", "limit 0", "0 is outside"},
		{"interface eth1", "mld static-group ff02::5", "does not leave its link"},
		{"interface eth1", "mld static-group 2001:db8::1", "not an IPv6 multicast address"},
		{"interface eth1", "mld access-limit 16385", "16385 is outside 1..16384"},
		{"interface eth1", "mld group-policy 4000", "4000 is outside 2000..3999"},
	} {
		s.View = SystemView
		if c.view != "" {
			s.run(t, c.view)
		}
		if err := s.exec(c.line); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q in %q: %v, want %q", c.line, c.view, err, c.want)
		}
		if diff := cmp.Diff(before, Write(s.Model, s.keys)); diff != "" {
			t.Errorf("%q changed the model: %s", c.line, diff)
		}
	}
	s = newShell(t).run(t, "acl ipv6 number 2000\nrule 4294967294 permit")
	if err := s.exec("rule deny"); err == nil || !strings.Contains(err.Error(), "no number is left above rule 4294967294") {
		t.Error(err)
	}
}

// An ACL that a command uses can be removed in the same commit as the use, in either order.
func TestACLInUse(t *testing.T) {
	for _, c := range []struct{ name, lines, want string }{
		{"removed", "undo acl ipv6 number 2000", "[interface eth1: mld group-policy uses acl ipv6 2000, which does not exist; known: gold]"},
		{"removed under two", "undo acl ipv6 name gold",
			"[interface eth1: mld prompt-leave group-policy uses acl ipv6 gold, which does not exist; known: 2000" +
				" interface eth1: mld access-limit except uses acl ipv6 gold, which does not exist; known: 2000]"},
		{"removed with its use", "undo acl ipv6 number 2000\ninterface eth1\nundo mld group-policy", "[]"},
		{"replaced", "interface eth1\nmld group-policy acl6-name gold\nquit\nundo acl ipv6 number 2000", "[]"},
		{"empty", "acl ipv6 number 2000\nundo rule 3\nundo rule 5\nundo rule 10",
			"[interface eth1: mld group-policy uses acl ipv6 2000, which has no rule and so permits nothing]"},
		{"nothing to map", "undo mld", "[interface eth1: mld ssm-mapping is enabled, and the MLD view has no ssm-mapping]"},
	} {
		s := newShell(t).run(t, admission+c.lines)
		if got := fmt.Sprint(Validate(s.Model)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
