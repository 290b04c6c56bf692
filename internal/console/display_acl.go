package console

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"tandem/internal/command"
	"tandem/internal/config"
	"tandem/internal/state"
)

// aclsDisplay is `display acl ipv6`: the rules of access lists in the order in which they
// are applied, and which settings use each list.
func aclsDisplay(lists []state.ACL) Display {
	all := state.ACLs{Total: len(lists), ACLs: lists}
	s := sheetOf(&all)
	s.line("Total %s", plural(all.Total, "IPv6 ACL", "IPv6 ACLs"))
	s.record(&all.Total)
	list(s, &all.ACLs, func(_ int, a *state.ACL) {
		s.line("%s IPv6 ACL %s, %s", map[bool]string{true: "Advanced", false: "Basic"}[a.Advanced], a.Name, plural(len(a.Rules), "rule", "rules"))
		s.record(&a.Name, &a.Advanced)
		s.fields(1, 0, field{"Description", &a.Description})
		list(s, &a.Rules, func(_ int, r *state.ACLRule) {
			s.line(" %s", r.Words)
			s.record(&r.ID, &r.Permit, &r.Source, &r.Destination)
		})
		s.fields(1, 0, field{"Used by", &a.UsedBy})
	})
	return s.display()
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
