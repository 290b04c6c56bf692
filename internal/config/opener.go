package config

import (
	"fmt"
	"strings"

	"tandem/internal/command"
)

// opener returns the entry of a command that makes an object, if it does not exist, and
// enters its view. The undo of the command removes the object.
func opener(syntax, help string, open func(*Editor, command.Args) (View, error), remove func(*Model, command.Args) bool) entry {
	return entry{view: ViewSystem, opens: true, syntax: syntax, undo: syntax, help: help,
		set: func(e *Editor, a command.Args) error {
			v, err := open(e, a)
			if err == nil {
				e.View = v
			}
			return err
		},
		clear: func(e *Editor, a command.Args) error {
			if !remove(e.Model, a) {
				words := keywordsOf(syntax)
				return fmt.Errorf("there is no such %s; %s", words, e.Model.knownAs(words))
			}
			return nil
		}}
}

// remover returns a function that removes the object which a parameter names. The function
// reports whether the object existed.
func remover[T any](all func(*Model) map[string]*T, parameter string) func(*Model, command.Args) bool {
	return func(m *Model, a command.Args) bool {
		objects := all(m)
		name := nameOf(objects, a.String(parameter))
		known := objects[name] != nil
		delete(objects, name)
		return known
	}
}

// namedObjects returns the entries for objects with names: the command that makes one and
// enters its view, and the settings of the view. The only parameter of syntax is the name.
func namedObjects[T any](view, syntax, help string, all func(*Model) map[string]*T, create func(name string) *T, list ...setting[T]) []entry {
	_, parameter, _ := strings.Cut(syntax, "<")
	parameter, _, _ = strings.Cut(parameter, ":")
	enter := func(e *Editor, a command.Args) (View, error) {
		objects := all(e.Model)
		name := nameOf(objects, a.String(parameter))
		if objects[name] == nil {
			objects[name] = create(name)
		}
		return View{view, name}, nil
	}
	object := func(m *Model, v View) *T { return all(m)[v.Name] }
	return append([]entry{opener(syntax, help, enter, remover(all, parameter))}, settings(view, object, list...)...)
}
