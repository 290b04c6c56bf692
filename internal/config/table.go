package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tandem/internal/command"
)

// entry is one row of the command table: the command, its undo, and how to write the
// setting as text.
type entry struct {
	view   string
	opens  bool   // opens a view, so other configuration views have the command too
	syntax string // see package command
	undo   string // the words after "undo"; empty if they are undoOf(syntax)
	help   string
	set    func(*Editor, command.Args) error
	clear  func(*Editor, command.Args) error
	// write returns the lines that restore the setting in view v of m. It is nil for an
	// entry whose object has a section of its own, see objectKinds.
	write func(m *Model, v View, keys *Keyring) []string
}

// table returns every configuration command, in the order in which a view's lines are
// written.
func table() []entry {
	return slices.Concat(systemEntries(), sshServerEntries(), sshUserEntries(), aclEntries(), mldEntries(), bfdEntries(), sslEntries(), vpnEntries(), serviceEntries(), profileEntries(),
		eTrunkEntries(), interfaceEntries())
}

var rows = table()

// editorCommands derives the commands and their undos from the table.
func editorCommands() []command.Command[*Editor] {
	var list []command.Command[*Editor]
	for _, r := range rows {
		views := []string{r.view}
		if r.opens {
			views = append(views, ViewEnter)
		}
		list = append(list, command.Command[*Editor]{Views: views, Syntax: r.syntax, Help: r.help,
			Run: func(e *Editor, a command.Args) error { return e.do(a, r.set) }})
		list = append(list, command.Command[*Editor]{Views: []string{r.view}, Syntax: "undo " + r.undoSyntax(), Help: "Undo: " + r.help,
			Run: func(e *Editor, a command.Args) error { return e.do(a, r.clear) }})
	}
	// This command exists only because VRP's configurations contain it for interfaces. No
	// interface of this device is a port of a switch.
	return append(list, command.Command[*Editor]{Views: []string{ViewInterface}, Syntax: "undo portswitch",
		Help: "Route on the interface, as on every interface", Run: func(*Editor, command.Args) error { return nil }})
}

func (r entry) undoSyntax() string {
	if r.undo != "" {
		return r.undo
	}
	return undoOf(r.syntax)
}

// undoOf makes the syntax of an undo: the leading keywords of the command, then its other
// words as optional ones, because some operators repeat them.
func undoOf(syntax string) string {
	keywords := keywordsOf(syntax)
	if keywords == syntax {
		return syntax
	}
	return keywords + " [" + strings.TrimPrefix(syntax, keywords) + " ]"
}

// keywordsOf returns the leading keywords of a syntax.
func keywordsOf(syntax string) string {
	words := strings.Fields(syntax)
	n := slices.IndexFunc(words, func(w string) bool { return strings.ContainsAny(w[:1], "<[{") })
	if n < 0 {
		return syntax
	}
	return strings.Join(words[:n], " ")
}

// setting is an entry of a view. The object of the view has type T.
type setting[T any] struct {
	syntax, undo, help string
	set                func(*T, command.Args) error
	clear              func(*T, command.Args) error
	write              func(*T) []string
}

// settings makes the entries of a view's settings. object finds the view's object.
func settings[T any](view string, object func(*Model, View) *T, list ...setting[T]) []entry {
	entries := make([]entry, len(list))
	for i, s := range list {
		on := func(do func(*T, command.Args) error) func(*Editor, command.Args) error {
			return func(e *Editor, a command.Args) error {
				o := object(e.Model, e.View)
				if o == nil {
					return fmt.Errorf("%s %s does not exist any more", e.View.Kind, e.View.Name)
				}
				return do(o, a)
			}
		}
		entries[i] = entry{view: view, syntax: s.syntax, undo: s.undo, help: s.help, set: on(s.set), clear: on(s.clear),
			write: func(m *Model, v View, _ *Keyring) []string { return s.write(object(m, v)) }}
	}
	return entries
}

// flag is a setting that is on or off.
func flag[T any](words, help string, field func(*T) *bool, initially bool) setting[T] {
	return setting[T]{syntax: words, help: help,
		set:   func(o *T, _ command.Args) error { *field(o) = true; return nil },
		clear: func(o *T, _ command.Args) error { *field(o) = false; return nil },
		write: func(o *T) []string {
			switch {
			case *field(o) == initially:
				return nil
			case initially:
				return []string{"undo " + words}
			}
			return []string{words}
		}}
}

// scalar is a setting with one parameter. read makes the value from the arguments; show
// writes the value as text.
func scalar[T any, V comparable](syntax, help string, field func(*T) *V, initially V,
	read func(command.Args, string) (V, error), show func(V) string) setting[T] {
	name, fill := parameterOf(syntax)
	return setting[T]{syntax: syntax, help: help,
		set: func(o *T, a command.Args) error {
			v, err := read(a, name)
			if err == nil {
				*field(o) = v
			}
			return err
		},
		clear: func(o *T, _ command.Args) error { *field(o) = initially; return nil },
		write: func(o *T) []string {
			if *field(o) == initially {
				return nil
			}
			return []string{fill(show(*field(o)))}
		}}
}

// parameterOf finds the only parameter of a syntax. It returns its name, and a function
// that writes the line with a value in its place.
func parameterOf(syntax string) (name string, fill func(string) string) {
	before, rest, _ := strings.Cut(syntax, "<")
	inner, after, _ := strings.Cut(rest, ">")
	name, _, _ = strings.Cut(inner, ":")
	return name, func(v string) string { return before + v + after }
}

// number is a setting with an integer parameter.
func number[T any, V uint8 | uint16 | uint32](syntax, help string, field func(*T) *V, initially V) setting[T] {
	return scalar(syntax, help, field, initially,
		func(a command.Args, name string) (V, error) { return V(a.Uint(name)), nil },
		func(v V) string { return strconv.FormatUint(uint64(v), 10) })
}

// duration is a setting whose parameter counts units of time.
func duration[T any](syntax, help string, unit time.Duration, field func(*T) *time.Duration, initially time.Duration) setting[T] {
	return scalar(syntax, help, field, initially,
		func(a command.Args, name string) (time.Duration, error) {
			return time.Duration(a.Uint(name)) * unit, nil
		},
		func(v time.Duration) string { return strconv.FormatInt(int64(v/unit), 10) })
}

// name is a setting with one word as its parameter.
func name[T any](syntax, help string, field func(*T) *string, initially string) setting[T] {
	return scalar(syntax, help, field, initially,
		func(a command.Args, name string) (string, error) { return a.String(name), nil }, command.Quote)
}

// description is the setting of the description, which every object has.
func description[T any](field func(*T) *string) setting[T] {
	return scalar("description <text:line(1..242)>", "Describe this for people", field, "",
		func(a command.Args, name string) (string, error) { return a.String(name), nil },
		func(s string) string { return s })
}

// macAddress is a setting whose parameter is a unicast MAC address.
func macAddress[T any](syntax, help string, field func(*T) *MAC) setting[T] {
	return scalar(syntax, help, field, MAC{},
		func(a command.Args, name string) (MAC, error) { return command.Get[MAC](a, name), nil }, MAC.String)
}

// choice is a setting with one of several keywords. The first keyword is the default.
func choice[T any, V interface {
	comparable
	fmt.Stringer
}](words, help string, field func(*T) *V, values ...V) setting[T] {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = v.String()
	}
	return setting[T]{syntax: words + " { " + strings.Join(texts, " | ") + " }", help: help,
		set: func(o *T, a command.Args) error {
			*field(o) = values[slices.IndexFunc(texts, a.Has)]
			return nil
		},
		clear: func(o *T, _ command.Args) error { *field(o) = values[0]; return nil },
		write: func(o *T) []string {
			if *field(o) == values[0] {
				return nil
			}
			return []string{words + " " + (*field(o)).String()}
		}}
}
