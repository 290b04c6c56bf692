package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"tandem/internal/command"
)

// ACL is an IPv6 access list. A rule of a basic ACL has one address; a rule of an advanced
// ACL has a source and a destination. Where MLD uses an ACL for groups, the address of a
// basic ACL is the group, and so is the destination of an advanced ACL, as on VRP. In a
// source policy, the address of a basic ACL and the source of an advanced ACL are a host.
type ACL struct {
	// Name is the name of the ACL, or its number in decimal: 2000..2999 for a basic ACL,
	// 3000..3999 for an advanced one.
	Name        string
	Advanced    bool
	Description string
	Rules       []ACLRule // sorted by ID
}

// ACLRule permits or denies addresses. A zero prefix matches every address.
type ACLRule struct {
	ID          uint32 // 0..4294967294
	Permit      bool
	Source      netip.Prefix
	Destination netip.Prefix // only in an advanced ACL
}

const (
	ruleStep   = 5 // distance between the IDs that the device assigns
	maxRuleID  = 4294967294
	maxACLName = 32
)

// numbered reports whether the ACL has a number instead of a name.
func (a *ACL) numbered() bool { return isNumber(a.Name) }

func isNumber(name string) bool { return startsWithDigit(name) }

// Kind returns basic or advance.
func (a *ACL) Kind() string {
	if a.Advanced {
		return "advance"
	}
	return "basic"
}

// String returns the part of the opening command after "acl ipv6".
func (a *ACL) String() string {
	if a.numbered() {
		return "number " + a.Name
	}
	return "name " + a.Name + " " + a.Kind()
}

// String returns the rule in the text form.
func (r ACLRule) String() string { return fmt.Sprintf("rule %d %s", r.ID, r.body()) }

func (r ACLRule) body() string {
	body := "deny"
	if r.Permit {
		body = "permit"
	}
	if r.Source.IsValid() {
		body += " source " + r.Source.String()
	}
	if r.Destination.IsValid() {
		body += " destination " + r.Destination.String()
	}
	return body
}

// ACLUse is a command of an interface that names an access list.
type ACLUse struct {
	Words string // keywords of the command
	ACL   string
}

// ACLUses lists the access lists that an interface names.
func (i *Interface) ACLUses() []ACLUse {
	uses := []ACLUse{
		{"mld group-policy", i.MLD.GroupPolicy},
		{"mld prompt-leave group-policy", i.MLD.PromptPolicy},
		{"mld access-limit except", i.MLD.AccessExcept},
		{"mld ip-source-policy", i.MLD.SourcePolicy},
		{"mld query ip-source-policy", i.MLD.QueryPolicy},
	}
	return slices.DeleteFunc(uses, func(u ACLUse) bool { return u.ACL == "" })
}

func aclViews(m *Model, advanced bool) []View {
	var views []View
	for _, name := range slices.Sorted(maps.Keys(m.ACLs)) {
		if a := m.ACLs[name]; a.Advanced == advanced {
			views = append(views, a.view())
		}
	}
	return views
}

func (a *ACL) view() View {
	if a.Advanced {
		return View{ViewAdvancedACL, a.Name}
	}
	return View{ViewBasicACL, a.Name}
}

func findACL(m *Model, v View) any {
	if a := m.ACLs[v.Name]; a != nil && a.view() == v {
		return a
	}
	return nil
}

func aclHead(m *Model, v View) string { return "acl ipv6 " + m.ACLs[v.Name].String() }

func aclEntries() []entry {
	open := opener("acl ipv6 { number <acl:2000..3999> | name <acl-name> [ basic | advance ] }",
		"Create an IPv6 access list and enter its view", openACL,
		func(m *Model, a command.Args) bool {
			name := aclName(a)
			_, known := m.ACLs[name]
			delete(m.ACLs, name)
			return known
		})
	find := func(m *Model, v View) *ACL { return m.ACLs[v.Name] }
	text := description(func(a *ACL) *string { return &a.Description })
	return slices.Concat([]entry{open},
		settings(ViewBasicACL, find, text, aclRule(basicMatch)),
		settings(ViewAdvancedACL, find, text, aclRule(advancedMatch)))
}

// aclName returns the ACL that the arguments name, empty if none.
func aclName(a command.Args) string {
	if number := a.Uint("acl"); number != 0 {
		return strconv.FormatUint(number, 10)
	}
	return a.String("acl-name")
}

func openACL(e *Editor, a command.Args) (View, error) {
	name := aclName(a)
	acl := e.Model.ACLs[name]
	if acl == nil {
		acl = &ACL{Name: name, Advanced: name >= "3000" && isNumber(name) || !isNumber(name) && !a.Has("basic")}
		e.Model.ACLs[name] = acl
	}
	if a.Has("basic") && acl.Advanced || a.Has("advance") && !acl.Advanced {
		return View{}, fmt.Errorf("acl ipv6 %s exists and is of the kind %s", name, acl.Kind())
	}
	return acl.view(), nil
}

// Parameters of the rules of the two kinds. The two parts of an advanced rule may come in
// either order.
const (
	sourceMatch      = "source { <source-prefix:prefix> | <source-address:ipv6> <source-length:0..128> | any }"
	destinationMatch = "destination { <destination-prefix:prefix> | <destination-address:ipv6> <destination-length:0..128> | any }"
	basicMatch       = "[ " + sourceMatch + " ]"
	advancedMatch    = "[ ipv6 ] [ " + sourceMatch + " [ " + destinationMatch + " ] | " + destinationMatch + " [ " + sourceMatch + " ] ]"
)

func aclRule(match string) setting[ACL] {
	return setting[ACL]{
		syntax: "rule [ <rule-id:0..4294967294> ] { permit | deny } " + match,
		undo:   "rule { <rule-id:0..4294967294> [ { permit | deny } " + match + " ] | { permit | deny } " + match + " }",
		help:   "Permit or deny addresses; the rule with the lowest number that applies decides",
		set: func(acl *ACL, a command.Args) error {
			r := readRule(a)
			if !a.Has("rule-id") {
				if acl.same(r) >= 0 {
					return nil
				}
				var err error
				if r.ID, err = acl.nextID(); err != nil {
					return err
				}
			}
			at, found := acl.search(r.ID)
			if found {
				acl.Rules[at] = r
			} else {
				acl.Rules = slices.Insert(acl.Rules, at, r)
			}
			return nil
		},
		clear: func(acl *ACL, a command.Args) error {
			at, found := 0, false
			if a.Has("rule-id") {
				at, found = acl.search(uint32(a.Uint("rule-id")))
			} else {
				at = acl.same(readRule(a))
				found = at >= 0
			}
			if !found {
				return errors.New("there is no such rule")
			}
			if acl.Rules = slices.Delete(acl.Rules, at, at+1); len(acl.Rules) == 0 {
				acl.Rules = nil
			}
			return nil
		},
		write: func(acl *ACL) []string {
			var lines []string
			for _, r := range acl.Rules {
				lines = append(lines, r.String())
			}
			return lines
		}}
}

func (a *ACL) search(id uint32) (int, bool) {
	return slices.BinarySearchFunc(a.Rules, id, func(r ACLRule, id uint32) int { return cmp.Compare(r.ID, id) })
}

// same returns the index of a rule that equals r except for its ID, -1 if there is none.
func (a *ACL) same(r ACLRule) int {
	return slices.IndexFunc(a.Rules, func(o ACLRule) bool { return o.body() == r.body() })
}

// nextID returns the lowest multiple of the step above all IDs.
func (a *ACL) nextID() (uint32, error) {
	if len(a.Rules) == 0 {
		return ruleStep, nil
	}
	next := (uint64(a.Rules[len(a.Rules)-1].ID)/ruleStep + 1) * ruleStep
	if next > maxRuleID {
		return 0, fmt.Errorf("no number is left above rule %d; give one", a.Rules[len(a.Rules)-1].ID)
	}
	return uint32(next), nil
}

func readRule(a command.Args) ACLRule {
	return ACLRule{
		ID: uint32(a.Uint("rule-id")), Permit: a.Has("permit"),
		Source: readRange(a, "source"), Destination: readRange(a, "destination"),
	}
}

// readRange reads the addresses that a rule matches. The zero prefix matches every
// address.
func readRange(a command.Args, end string) netip.Prefix {
	p := command.Get[netip.Prefix](a, end+"-prefix")
	if a.Has(end + "-length") {
		p = netip.PrefixFrom(a.Addr(end+"-address"), int(a.Uint(end+"-length")))
	}
	if p.Bits() <= 0 {
		return netip.Prefix{}
	}
	return p.Masked()
}

// aclReference is a setting that names an ACL.
func aclReference(words, help string, field func(*Interface) *string) setting[Interface] {
	return setting[Interface]{syntax: words + " " + aclParameter, help: help,
		set:   func(i *Interface, a command.Args) error { *field(i) = aclName(a); return nil },
		clear: func(i *Interface, _ command.Args) error { *field(i) = ""; return nil },
		write: func(i *Interface) []string {
			if *field(i) == "" {
				return nil
			}
			return []string{words + " " + aclWords(*field(i))}
		}}
}

const aclParameter = "{ <acl:2000..3999> | acl6-name <acl-name> }"

// aclWords returns the words by which a command names an ACL.
func aclWords(name string) string {
	if isNumber(name) {
		return name
	}
	return "acl6-name " + name
}

func parseACLName(s string) (string, error) {
	letter := s[0]|0x20 >= 'a' && s[0]|0x20 <= 'z'
	if !letter || len(s) > maxACLName || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' }) {
		return "", fmt.Errorf("%q is not a letter with up to %d others behind it", s, maxACLName-1)
	}
	return s, nil
}
