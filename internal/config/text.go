package config

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"tandem/internal/command"
)

// objectKind says how to list and find the objects of one kind, and how to write the
// heading of a section.
type objectKind struct {
	view string
	list func(*Model) []View
	// find returns the object of a view, nil if it does not exist.
	find func(*Model, View) any
	head func(*Model, View) string
}

// objectKinds are in the order in which sections are written. Some headings are also
// commands of an interface view. Objects with such headings come before interfaces, so that
// the text can be pasted into a console unchanged.
var objectKinds = []objectKind{
	named(ViewSSHUser, func(m *Model) map[string]*SSHUser { return m.SSHUsers },
		func(u *SSHUser) string { return "ssh user " + command.Quote(u.Name) }),
	{ViewMLD, func(m *Model) []View {
		if m.MLD.isZero() {
			return nil
		}
		return []View{{Kind: ViewMLD}}
	}, func(m *Model, _ View) any { return &m.MLD }, func(*Model, View) string { return "mld" }},
	{ViewBasicACL, func(m *Model) []View { return aclViews(m, false) }, findACL, aclHead},
	{ViewAdvancedACL, func(m *Model) []View { return aclViews(m, true) }, findACL, aclHead},
	named(ViewSession, func(m *Model) map[string]*BFDSession { return m.Sessions },
		func(s *BFDSession) string { return "bfd " + command.Quote(s.Name) + " " + s.binding() }),
	named(ViewSSL, func(m *Model) map[string]*SSLPolicy { return m.SSLPolicies },
		func(p *SSLPolicy) string { return "ssl policy " + command.Quote(p.Name) }),
	named(ViewVPN, func(m *Model) map[string]*VPNInstance { return m.VPNs },
		func(p *VPNInstance) string { return "ip vpn-instance " + p.Name }),
	named(ViewService, func(m *Model) map[string]*Service { return m.Services },
		func(s *Service) string { return "remote-backup-service " + command.Quote(s.Name) }),
	named(ViewProfile, func(m *Model) map[string]*Profile { return m.Profiles },
		func(p *Profile) string { return "remote-backup-profile " + command.Quote(p.Name) }),
	{ViewETrunk, func(m *Model) []View {
		var views []View
		for _, id := range slices.Sorted(maps.Keys(m.ETrunks)) {
			views = append(views, View{ViewETrunk, strconv.Itoa(int(id))})
		}
		return views
	}, func(m *Model, v View) any { return found(m.ETrunks[v.number()]) }, func(_ *Model, v View) string { return "e-trunk " + v.Name }},
	named(ViewInterface, func(m *Model) map[InterfaceName]*Interface { return m.Interfaces },
		func(i *Interface) string { return "interface " + string(i.Name) }),
}

// named returns the kind of objects that are stored by name.
func named[K ~string, V any](kind string, objects func(*Model) map[K]*V, head func(*V) string) objectKind {
	return objectKind{
		view: kind,
		list: func(m *Model) []View {
			var views []View
			for _, name := range slices.Sorted(maps.Keys(objects(m))) {
				views = append(views, View{kind, string(name)})
			}
			return views
		},
		find: func(m *Model, v View) any { return found(objects(m)[K(v.Name)]) },
		head: func(m *Model, v View) string { return head(objects(m)[K(v.Name)]) },
	}
}

// found converts a nil pointer to a nil interface value.
func found[V any](object *V) any {
	if object == nil {
		return nil
	}
	return object
}

// knownAs lists, for errors, the objects whose section headings begin with words.
func (m *Model) knownAs(words string) string {
	var names []string
	for _, kind := range objectKinds {
		for _, v := range kind.list(m) {
			if strings.HasPrefix(kind.head(m, v), words+" ") {
				names = append(names, v.Name)
			}
		}
	}
	if len(names) == 0 {
		return "none is configured"
	}
	return "known: " + strings.Join(names, ", ")
}

// object returns the object of a view, nil if it does not exist.
func (m *Model) object(v View) any {
	if v.Kind == ViewSystem {
		return m.settings()
	}
	for _, kind := range objectKinds {
		if kind.view == v.Kind {
			return kind.find(m, v)
		}
	}
	return nil
}

// settings returns the settings outside the views of objects.
func (m *Model) settings() Model {
	s := *m
	s.MLD = GlobalMLD{}
	s.SSHUsers, s.ACLs, s.Sessions, s.ETrunks, s.SSLPolicies, s.VPNs, s.Services, s.Profiles, s.Interfaces = nil, nil, nil, nil, nil, nil, nil, nil, nil
	return s
}

// differs reports whether the object of a view is different in o.
func (m *Model) differs(o *Model, v View) bool { return !reflect.DeepEqual(m.object(v), o.object(v)) }

// difference returns a view whose object is different in o. It returns ok false if there is
// none.
func (m *Model) difference(o *Model) (v View, ok bool) {
	if m.differs(o, SystemView) {
		return SystemView, true
	}
	for _, kind := range objectKinds {
		for _, v := range slices.Concat(kind.list(m), kind.list(o)) {
			if m.differs(o, v) {
				return v, true
			}
		}
	}
	return View{}, false
}

// has reports whether the object of a view exists.
func (m *Model) has(v View) bool {
	if v.Kind == ViewBFD {
		return m.BFD
	}
	return m.object(v) != nil
}

// lastLine is the last line of a text.
const lastLine = "return"

// section is a heading and the lines of its view.
type section struct {
	view  View
	head  string
	lines []string
}

func sections(m *Model, keys *Keyring) []section {
	var list []section
	for _, line := range viewLines(m, SystemView, keys) {
		list = append(list, section{SystemView, line, nil})
	}
	for _, kind := range objectKinds {
		for _, v := range kind.list(m) {
			list = append(list, section{v, kind.head(m, v), viewLines(m, v, keys)})
		}
	}
	return list
}

func viewLines(m *Model, v View, keys *Keyring) []string {
	var lines []string
	own := v.own()
	for _, r := range rows {
		if r.write != nil && slices.Contains(own, r.view) {
			lines = append(lines, r.write(m, v, keys)...)
		}
	}
	return lines
}

// Write returns the text form of a model. It has a section for each object. Lines of #
// separate the sections. The lines of a view are indented by one space. The last line is
// return.
func Write(m *Model, keys *Keyring) []string {
	var text []string
	for _, s := range sections(m, keys) {
		text = append(append(text, "#"), s.text()...)
	}
	return append(text, "#", lastLine)
}

// WriteView returns the section of one view, as `display this` shows it. For the system
// view it returns the whole text.
func WriteView(m *Model, keys *Keyring, v View) []string {
	if v.Kind == ViewSystem {
		return Write(m, keys)
	}
	text := WriteKind(m, keys, v.Kind, v.Name)
	if v.Kind == ViewBFD && m.BFD {
		text = []string{"#", "bfd", "#", "return"}
	}
	return text
}

// Kinds returns the kinds that WriteKind accepts: the system view, and the views of
// objects.
func Kinds() []string {
	kinds := []string{ViewSystem}
	for _, kind := range objectKinds {
		kinds = append(kinds, kind.view)
	}
	return kinds
}

// WriteKind returns the sections of one kind of view. If name is not empty, it returns only
// the section with this name.
func WriteKind(m *Model, keys *Keyring, kind, name string) []string {
	var text []string
	for _, s := range sections(m, keys) {
		if s.view.Kind == kind && (name == "" || strings.EqualFold(s.view.Name, name)) {
			text = append(append(text, "#"), s.text()...)
		}
	}
	return append(text, "#", lastLine)
}

func (s section) text() []string {
	text := []string{s.head}
	for _, line := range s.lines {
		text = append(text, " "+line)
	}
	return text
}
