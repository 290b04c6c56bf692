package console

import (
	"fmt"
	"slices"
	"strings"

	"tandem/internal/state"
)

// Display is the output of a display command.
type Display struct {
	// Text is for people: lines that each end with a newline.
	Text string
	// Facts is the same content for encoding/json, under the names that package state
	// declares. Lengths of time are in seconds unless the name has another unit, points
	// in time are in RFC 3339 form, a value that is not set is null.
	Facts any
}

// field is a field of the struct of the open object, with its label in the text.
type field struct {
	label   string
	pointer any
}

// sheet builds a display of a struct of the state: every field goes into the text and
// into the facts of the open object.
type sheet struct {
	text  strings.Builder
	stack []*object // open objects, the innermost last
	// empty is the text for a value that is not set.
	empty string
}

// sheetOf begins the display of a struct.
func sheetOf(pointer any) *sheet { return &sheet{stack: []*object{objectOf(pointer)}, empty: "-"} }

func (s *sheet) display() Display { return Display{Text: s.text.String(), Facts: s.stack[0]} }

// open returns the innermost open object.
func (s *sheet) open() *object { return s.stack[len(s.stack)-1] }

// inside runs show with an object open.
func (s *sheet) inside(o *object, show func()) {
	s.stack = append(s.stack, o)
	show()
	s.stack = s.stack[:len(s.stack)-1]
}

// line prints text without adding a fact.
func (s *sheet) line(format string, args ...any) {
	fmt.Fprintf(&s.text, format, args...)
	s.text.WriteByte('\n')
}

// record adds fields to the facts only, because the text shows them in other words.
func (s *sheet) record(pointers ...any) {
	for _, p := range pointers {
		s.take(p)
	}
}

// take adds a field to the facts and returns its value as text.
func (s *sheet) take(pointer any) string {
	fact := s.open().of.Tell(pointer)
	s.open().set(fact.Name, fact.JSON())
	return s.textValue(fact.Value)
}

// field prints a "label: value" line. The colon is at the given column; 0 puts it next to
// the label.
func (s *sheet) field(indent, colon int, f field) {
	value := s.take(f.pointer)
	lead := strings.Repeat(" ", indent)
	if colon == 0 {
		s.line("%s%s: %s", lead, f.label, value)
		return
	}
	s.line("%s%-*s: %s", lead, colon-indent, f.label, value)
}

func (s *sheet) fields(indent, colon int, fs ...field) {
	for _, f := range fs {
		s.field(indent, colon, f)
	}
}

// secondColumn is the column of the second of two fields on a line.
const secondColumn = 42

// pairs prints two fields on each line.
func (s *sheet) pairs(fs ...field) {
	for pair := range slices.Chunk(fs, 2) {
		cells := make([]string, len(pair))
		for i, f := range pair {
			cells[i] = f.label + " : " + s.take(f.pointer)
		}
		if len(cells) == 1 {
			s.line("%s", cells[0])
			continue
		}
		s.line("%-*s %s", secondColumn-1, cells[0], cells[1])
	}
}

// counters lists the fields of a struct of counters, with their names as labels.
func counters(pointer any) (list []field) {
	object := state.ObjectOf(pointer)
	for _, p := range object.Fields() {
		list = append(list, field{label(object.Tell(p).Name), p})
	}
	return list
}

// counted prints the counters of a struct that are not zero and were not printed before.
// print decides whether there are one or two on a line. The facts contain all counters.
func (s *sheet) counted(pointer any, print func(...field)) {
	object := state.ObjectOf(pointer)
	var seen []field
	for _, p := range object.Fields() {
		switch fact := object.Tell(p); {
		case s.open().has(fact.Name):
		case fact.Value == uint64(0):
			s.record(p)
		default:
			seen = append(seen, field{label(fact.Name), p})
		}
	}
	print(seen...)
}

// label converts a name to words: bad-length becomes Bad length.
func label(name string) string {
	return strings.ToUpper(name[:1]) + strings.ReplaceAll(name[1:], "-", " ")
}

// title prints a centred heading of an 80 column block.
func (s *sheet) title(text string) {
	s.line("%*s", (dashes+len(text))/2, text)
}

const dashes = 80

func (s *sheet) rule() { s.line("%s", strings.Repeat("-", dashes)) }

// plural returns "1 entry" or "2 entries".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
