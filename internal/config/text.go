package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tandem/internal/command"
)

// objectKind says how the objects of one kind are listed and what heads the
// section of each.
type objectKind struct {
	view string
	list func(*Model) []View
	head func(*Model, View) string
}

// objectKinds is in the order in which sections are written. Objects whose
// heading is a command of some interface view as well come before interfaces,
// so that the text can be pasted into a console as it is.
var objectKinds = []objectKind{
	{ViewMLD, func(m *Model) []View {
		if m.MLD.isZero() {
			return nil
		}
		return []View{{Kind: ViewMLD}}
	}, func(*Model, View) string { return "mld" }},
	{ViewBasicACL, func(m *Model) []View { return aclViews(m, false) }, aclHead},
	{ViewAdvancedACL, func(m *Model) []View { return aclViews(m, true) }, aclHead},
	{ViewSession, func(m *Model) []View { return named(ViewSession, m.Sessions) },
		func(m *Model, v View) string {
			return "bfd " + command.Quote(v.Name) + " " + m.Sessions[v.Name].binding()
		}},
	{ViewSSL, func(m *Model) []View { return named(ViewSSL, m.SSLPolicies) },
		func(_ *Model, v View) string { return "ssl policy " + command.Quote(v.Name) }},
	{ViewService, func(m *Model) []View { return named(ViewService, m.Services) },
		func(_ *Model, v View) string { return "remote-backup-service " + command.Quote(v.Name) }},
	{ViewProfile, func(m *Model) []View { return named(ViewProfile, m.Profiles) },
		func(_ *Model, v View) string { return "remote-backup-profile " + command.Quote(v.Name) }},
	{ViewETrunk, func(m *Model) []View {
		var views []View
		for _, id := range slices.Sorted(maps.Keys(m.ETrunks)) {
			views = append(views, View{ViewETrunk, strconv.Itoa(int(id))})
		}
		return views
	}, func(_ *Model, v View) string { return "e-trunk " + v.Name }},
	{ViewInterface, func(m *Model) []View { return named(ViewInterface, m.Interfaces) },
		func(_ *Model, v View) string { return "interface " + v.Name }},
}

func named[K ~string, V any](kind string, objects map[K]*V) []View {
	var views []View
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		views = append(views, View{kind, string(name)})
	}
	return views
}

// has tells whether the object of a view exists.
func (m *Model) has(v View) bool {
	switch v.Kind {
	case ViewSystem, ViewMLD:
		return true
	case ViewBFD:
		return m.BFD
	}
	return slices.ContainsFunc(objectKinds, func(k objectKind) bool {
		return k.view == v.Kind && slices.Contains(k.list(m), v)
	})
}

// section is a heading with the lines of its view.
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

// Write returns the text form of a model: a section for each object, separated
// by lines of #, a view's lines indented by one space, and return at the end.
func Write(m *Model, keys *Keyring) []string {
	var text []string
	for _, s := range sections(m, keys) {
		text = append(append(text, "#"), s.text()...)
	}
	return append(text, "#", "return")
}

// WriteView returns the section of one view, as `display this` shows it; for
// the system view that is the whole text.
func WriteView(m *Model, keys *Keyring, v View) []string {
	if v.Kind == ViewSystem {
		return Write(m, keys)
	}
	text := []string{"#"}
	for _, s := range sections(m, keys) {
		if s.view == v || v.Kind == ViewBFD && s.head == "bfd" {
			text = append(text, s.text()...)
		}
	}
	return append(text, "#", "return")
}

func (s section) text() []string {
	text := []string{s.head}
	for _, line := range s.lines {
		text = append(text, " "+line)
	}
	return text
}

// LineError says which line of a configuration text is wrong.
type LineError struct {
	Line int // from 1
	Text string
	Err  error
}

func (e *LineError) Error() string {
	return fmt.Sprintf("line %d: %q: %v", e.Line, strings.TrimSpace(e.Text), e.Err)
}

func (e *LineError) Unwrap() error { return e.Err }

// textTable is the table that the text form is read with.
var textTable = mustTable(command.New(Vocabulary(), editorCommands()))

// mustTable is for a table that is part of the program.
func mustTable(t *command.Table[*Editor], err error) *command.Table[*Editor] {
	if err != nil {
		panic(err)
	}
	return t
}

// Parse reads the text form. A line without a space in front is a command of
// the system view, one with spaces belongs to the view that the line before
// opened; # ends a section, ! begins a comment, return ends the text. The
// error is a *LineError. Parse does not Validate.
func Parse(text string, keys *Keyring) (*Model, error) {
	e := NewEditor(New(), keys)
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, " \t\r")
		switch {
		case line == "" || line[0] == '!':
			continue
		case line[0] == '#':
			e.View = SystemView
			continue
		case line == "return":
			return e.Model, nil
		case line[0] != ' ' && line[0] != '\t':
			e.View = SystemView
		}
		if err := e.parseLine(line); err != nil {
			return nil, &LineError{i + 1, line, err}
		}
	}
	return e.Model, nil
}

var errNoSection = errors.New("an indented line wants a section to belong to")

func (e *Editor) parseLine(line string) error {
	if line[0] == ' ' && e.View == SystemView {
		return errNoSection
	}
	m, err := textTable.Match(e.View.own(), line)
	if err != nil {
		return err
	}
	return m.Run(e)
}
