package console

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"tandem/internal/command"
	"tandem/internal/config"
)

// ACLs is `display acl ipv6`: the rules of access lists in the order in which they
// are tried, and what uses each.
func ACLs(lists []*config.ACL, uses map[string][]string) Display {
	s := newSheet()
	s.line("Total %s", plural(len(lists), "IPv6 ACL", "IPv6 ACLs"))
	s.fact("total", len(lists))
	each(s, "acls", lists, func(_ int, a *config.ACL) {
		kind := "Basic"
		if a.Advanced {
			kind = "Advanced"
		}
		s.line("%s IPv6 ACL %s, %s", kind, a.Name, plural(len(a.Rules), "rule", "rules"))
		s.fact("name", a.Name)
		s.fact("kind", a.Kind())
		s.fields(1, 0, field{"Description", a.Description})
		each(s, "rules", a.Rules, func(_ int, r config.ACLRule) {
			s.line(" %s", r)
			s.fact("id", r.ID)
			s.fact("permit", r.Permit)
			s.fact("source", prefixFact(r.Source.IsValid(), r.Source.String()))
			s.fact("destination", prefixFact(r.Destination.IsValid(), r.Destination.String()))
		})
		s.fields(1, 0, field{"Used by", uses[a.Name]})
	})
	return s.display()
}

// prefixFact is a prefix for JSON, null for every address.
func prefixFact(set bool, prefix string) any {
	if !set {
		return nil
	}
	return prefix
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
	return ACLs(lists, aclUses(m)), nil
}

// aclUses tells by access list which interfaces use it for what.
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
