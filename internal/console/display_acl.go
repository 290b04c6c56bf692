package console

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tandem/internal/command"
	"tandem/internal/config"
	"tandem/internal/state"
)

// aclsDisplay is `display acl ipv6`: the rules of access lists in the order in which they
// are applied, and which settings use each list.
func aclsDisplay(lists []state.ACL) Display {
	all := state.ACLs{Total: len(lists), ACLs: lists}
	s := sheetOf(&all)
	s.line("Total nonempty acl6 number is %d", all.Total)
	s.record(&all.Total)
	list(s, &all.ACLs, func(_ int, a *state.ACL) {
		s.line("%s", aclHead(a))
		s.record(&a.Name, &a.Advanced, &a.Description, &a.UsedBy)
		list(s, &a.Rules, func(_ int, r *state.ACLRule) {
			s.line(" %s", r.Words)
			s.record(&r.ID, &r.Permit, &r.Source, &r.Destination)
		})
	})
	return s.display()
}

// aclHead is the first line of an access list. Programs that read VRP's take what comes after the number of
// rules, but no further line.
func aclHead(a *state.ACL) string {
	head := fmt.Sprintf("%s IPv6 ACL %s, %s", map[bool]string{true: "Advanced", false: "Basic"}[a.Advanced], a.Name, plural(len(a.Rules), "rule", "rules"))
	if a.Description != "" {
		head += ", description " + a.Description
	}
	if len(a.UsedBy) > 0 {
		head += ", used by " + strings.Join(a.UsedBy, " ")
	}
	return head
}

func displayACL(s *Session, a command.Args) (Display, error) {
	m := s.sys.Store.Running()
	lists := slices.SortedFunc(maps.Values(m.ACLs), func(a, b *config.ACL) int { return cmp.Compare(a.Name, b.Name) })
	if !a.Has("all") {
		name := a.String("acl-name")
		if !a.Has("acl-name") {
			name = strconv.FormatUint(a.Uint("acl"), 10)
		}
		known := names(lists, func(a *config.ACL) string { return a.Name })
		if lists = slices.DeleteFunc(lists, func(a *config.ACL) bool { return a.Name != name }); len(lists) == 0 {
			return Display{}, unknown("IPv6 ACL", name, known)
		}
	}
	return aclsDisplay(aclsOf(lists, aclUses(m))), nil
}

// aclsOf returns the state of access lists, with the settings that use them.
func aclsOf(lists []*config.ACL, uses map[string][]string) []state.ACL {
	out := make([]state.ACL, 0, len(lists))
	for _, a := range lists {
		acl := state.ACL{Name: a.Name, Advanced: a.Advanced, Description: a.Description, UsedBy: uses[a.Name]}
		for _, r := range a.Rules {
			acl.Rules = append(acl.Rules, state.ACLRule{ID: r.ID, Permit: r.Permit, Source: r.Source, Destination: r.Destination, Words: r.String()})
		}
		out = append(out, acl)
	}
	return out
}

// aclUses returns, for each access list, the interfaces and commands that use it.
func aclUses(m *config.Model) map[string][]string {
	uses := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(m.Interfaces)) {
		i := m.Interfaces[name]
		for _, u := range i.ACLUses() {
			uses[u.ACL] = append(uses[u.ACL], string(name)+" ("+u.Words+")")
		}
	}
	return uses
}
