package console

import (
	"fmt"
	"strings"
)

// within runs show with an object open, for a struct inside the struct of the open
// object.
func (s *sheet) within(pointer any, show func()) {
	o := objectOf(pointer)
	s.open().set(s.open().of.Tell(pointer).Name, o)
	s.inside(o, show)
}

// list runs show once for every item of a list in the struct of the open object. Each
// time an object of its own is open.
func list[T any](s *sheet, items *[]T, show func(i int, item *T)) {
	objects := make([]*object, 0, len(*items))
	for i := range *items {
		item := &(*items)[i]
		o := objectOf(item)
		objects = append(objects, o)
		s.inside(o, func() { show(i, item) })
	}
	s.open().set(s.open().of.Tell(items).Name, objects)
}

// rows prints a list in the struct of the open object as a table. Columns are as wide as
// they need to be. A field without a label is only in the facts.
func rows[T any](s *sheet, indent int, items *[]T, columns func(*T) []field) {
	var labels []string
	for _, f := range columns(new(T)) {
		if f.label != "" {
			labels = append(labels, f.label)
		}
	}
	cells, objects := [][]string{labels}, make([]*object, 0, len(*items))
	for i := range *items {
		item := &(*items)[i]
		o := objectOf(item)
		var line []string
		for _, f := range columns(item) {
			fact := o.of.Tell(f.pointer)
			o.set(fact.Name, fact.JSON())
			if f.label != "" {
				line = append(line, s.textValue(fact.Value))
			}
		}
		cells, objects = append(cells, line), append(objects, o)
	}
	s.open().set(s.open().of.Tell(items).Name, objects)
	s.columns(indent, cells)
}

// rowsIfAny does the same as rows, but prints no heading if the list is empty.
func rowsIfAny[T any](s *sheet, indent int, items *[]T, columns func(*T) []field) {
	if len(*items) == 0 {
		list(s, items, func(int, *T) {})
		return
	}
	rows(s, indent, items, columns)
}

// columns prints cells left-aligned without trailing blanks.
func (s *sheet) columns(indent int, cells [][]string) {
	var widths []int
	for _, row := range cells {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len(c))
		}
	}
	for _, row := range cells {
		var b strings.Builder
		b.WriteString(strings.Repeat(" ", indent))
		for i, c := range row {
			fmt.Fprintf(&b, "%-*s  ", widths[i], c)
		}
		s.line("%s", strings.TrimRight(b.String(), " "))
	}
}
