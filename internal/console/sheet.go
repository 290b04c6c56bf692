package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"tandem/internal/state"
)

// Display is what a display command shows.
type Display struct {
	// Text is for people: lines that each end with a newline.
	Text string
	// Facts is the same in a form that encoding/json marshals. Durations are
	// seconds, times are RFC 3339, what is not set is null. Keys are the labels
	// of the text in lower case with dashes.
	Facts any
}

// object is a JSON object that keeps the order of its members. What it tells of is a
// struct of the state.
type object struct {
	of      state.Object
	members []member
}

type member struct {
	key   string
	value any
}

func (o *object) set(key string, value any) {
	o.members = append(o.members, member{key, value})
}

func (o *object) has(key string) bool {
	return slices.ContainsFunc(o.members, func(m member) bool { return m.key == key })
}

// MarshalJSON writes the members in the order they were set.
func (o *object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o.members {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(m.key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", m.key, err)
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// field is one labelled value of a display: a pointer to a field of the struct that
// the innermost open object tells of.
type field struct {
	label string
	value any
}

// read returns the key and the value of a field.
func (o *object) read(f field) (key string, value any) {
	if p := reflect.ValueOf(f.value); p.Kind() == reflect.Pointer {
		fact := o.of.Fact(f.value)
		return fact.Name, o.of.Value(fact)
	}
	return factKey(f.label), f.value
}

// sheet builds a display: every field goes into the text and into the facts
// of the innermost open object.
type sheet struct {
	text  strings.Builder
	root  *object
	stack []*object
	// empty is printed where a value is not set.
	empty string
}

func newSheet() *sheet {
	root := &object{}
	return &sheet{root: root, stack: []*object{root}, empty: "-"}
}

// sheetOf begins a display of a struct of the state.
func sheetOf(pointer any) *sheet {
	s := newSheet()
	s.root.of = state.ObjectOf(pointer)
	return s
}

func (s *sheet) display() Display { return Display{Text: s.text.String(), Facts: s.root} }

func (s *sheet) facts() *object { return s.stack[len(s.stack)-1] }

// line prints text that is not a fact of its own.
func (s *sheet) line(format string, args ...any) {
	fmt.Fprintf(&s.text, format, args...)
	s.text.WriteByte('\n')
}

// fact records a value that the text says in other words.
func (s *sheet) fact(key string, value any) { s.facts().set(key, factValue(value)) }

// record records fields that the text says in other words.
func (s *sheet) record(pointers ...any) {
	for _, p := range pointers {
		s.take(field{value: p})
	}
}

// rows prints a list of the open struct as a table, columns as wide as they need. Its
// facts have their short names.
func rows[T any](s *sheet, indent int, items *[]T, columns func(*T) []field) {
	key := s.facts().of.Fact(items).Name
	var labels []string
	for _, f := range columns(new(T)) {
		labels = append(labels, f.label)
	}
	cells, objects := [][]string{labels}, make([]*object, 0, len(*items))
	for i := range *items {
		item := &(*items)[i]
		o := &object{of: state.ObjectOf(item)}
		var line []string
		for _, f := range columns(item) {
			fact := o.of.Fact(f.value)
			value := o.of.Value(fact)
			o.set(fact.Brief, factValue(value))
			line = append(line, s.textValue(value))
		}
		cells, objects = append(cells, line), append(objects, o)
	}
	s.facts().set(key, objects)
	s.columns(indent, cells)
}

// rowsIfAny is rows without a heading where the list is empty.
func rowsIfAny[T any](s *sheet, indent int, items *[]T, columns func(*T) []field) {
	if len(*items) == 0 {
		list(s, items, func(int, *T) {})
		return
	}
	rows(s, indent, items, columns)
}

// within runs show with an object open for a struct in the open one.
func (s *sheet) within(pointer any, show func()) {
	o := &object{of: state.ObjectOf(pointer)}
	s.facts().set(s.facts().of.Fact(pointer).Name, o)
	s.stack = append(s.stack, o)
	show()
	s.stack = s.stack[:len(s.stack)-1]
}

// take records a field and returns what the text says of it.
func (s *sheet) take(f field) string {
	key, value := s.facts().read(f)
	s.facts().set(key, factValue(value))
	return s.textValue(value)
}

// field prints one "label: value" line, the colon at the given column (0: next
// to the label).
func (s *sheet) field(indent, colon int, f field) {
	value := s.take(f)
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

// secondColumn is where the second of two fields on a line starts.
const secondColumn = 42

// pairs prints fields two a line.
func (s *sheet) pairs(fs ...field) {
	for pair := range slices.Chunk(fs, 2) {
		cells := make([]string, len(pair))
		for i, f := range pair {
			cells[i] = f.label + " : " + s.take(f)
		}
		if len(cells) == 1 {
			s.line("%s", cells[0])
			continue
		}
		s.line("%-*s %s", secondColumn-1, cells[0], cells[1])
	}
}

// title prints a centred heading of an 80 column block.
func (s *sheet) title(text string) {
	s.line("%*s", (dashes+len(text))/2, text)
}

const dashes = 80

func (s *sheet) rule() { s.line("%s", strings.Repeat("-", dashes)) }

// table prints rows under their labels, columns as wide as they need, and
// records them as a list of objects under key.
func (s *sheet) table(indent int, key string, labels []string, rows [][]any) {
	cells := make([][]string, 0, len(rows)+1)
	cells = append(cells, labels)
	facts := make([]*object, 0, len(rows))
	for _, row := range rows {
		line, fact := make([]string, len(row)), &object{}
		for i, v := range row {
			line[i] = s.textValue(v)
			fact.set(factKey(labels[i]), factValue(v))
		}
		cells = append(cells, line)
		facts = append(facts, fact)
	}
	s.facts().set(key, facts)
	s.columns(indent, cells)
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

// each runs show once for every item with an object of its own open; the
// objects form the list under key.
func each[T any](s *sheet, key string, items []T, show func(i int, item T)) {
	list := make([]*object, 0, len(items))
	for i, item := range items {
		o := &object{}
		list = append(list, o)
		s.stack = append(s.stack, o)
		show(i, item)
		s.stack = s.stack[:len(s.stack)-1]
	}
	s.facts().set(key, list)
}

// list runs show once for every item of a list of the open struct, with an object of
// its own open.
func list[T any](s *sheet, items *[]T, show func(i int, item *T)) {
	key := s.facts().of.Fact(items).Name
	objects := make([]*object, 0, len(*items))
	for i := range *items {
		item := &(*items)[i]
		o := &object{of: state.ObjectOf(item)}
		objects = append(objects, o)
		s.stack = append(s.stack, o)
		show(i, item)
		s.stack = s.stack[:len(s.stack)-1]
	}
	s.facts().set(key, objects)
}

// factKey makes a JSON key of a label: "Send-Period (100ms)" is send-period-100ms.
func factKey(label string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(label) {
		if (r >= 'a' && r <= 'z') || (r >= '0' && r <= '9') {
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
			continue
		}
		gap = true
	}
	return b.String()
}

// textValue prints a value for people.
func (s *sheet) textValue(v any) string {
	if unset(v) {
		return s.empty
	}
	switch v := v.(type) {
	case time.Duration:
		return state.Clock(v)
	case time.Time:
		return v.Format(time.DateTime)
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case []string:
		return strings.Join(v, " ")
	case timer:
		if v <= 0 {
			return "off"
		}
		return state.Clock(time.Duration(v))
	case state.Timer:
		return s.textValue(timer(v))
	case state.Interval:
		return s.textValue(seconds(v))
	case state.Index:
		return fmt.Sprintf("0x%x", int(v))
	case seconds:
		return fmt.Sprintf("%g s", time.Duration(v).Seconds())
	case millis:
		return fmt.Sprintf("%d", time.Duration(v).Milliseconds())
	case digest:
		return fmt.Sprintf("%016x", uint64(v))
	case index:
		return fmt.Sprintf("0x%x", int(v))
	}
	return fmt.Sprint(v)
}

// Ways to print a value that its type alone does not tell.
type (
	timer   time.Duration // time left, "off" when it does not run
	seconds time.Duration // a configured time in seconds
	millis  time.Duration // a time in milliseconds, the unit is in the label
	digest  uint64        // 64 bits in hexadecimal
	index   int           // a small number in hexadecimal, plain in JSON
)

// unset says that a value is a zero that means "none".
func unset(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case []string:
		return len(v) == 0
	case netip.Addr:
		return !v.IsValid()
	case time.Time:
		return v.IsZero()
	}
	r := reflect.ValueOf(v)
	return r.Kind() == reflect.String && r.Len() == 0
}

// factValue turns a value into what JSON shows.
func factValue(v any) any {
	if list, ok := v.([]string); ok {
		return append([]string{}, list...)
	}
	if unset(v) {
		return nil
	}
	switch v := v.(type) {
	case time.Duration:
		return v.Seconds()
	case timer:
		return max(time.Duration(v), 0).Seconds()
	case state.Timer:
		return max(time.Duration(v), 0).Seconds()
	case state.Interval:
		return time.Duration(v).Seconds()
	case seconds:
		return time.Duration(v).Seconds()
	case millis:
		return time.Duration(v).Milliseconds()
	case digest:
		return fmt.Sprintf("%016x", uint64(v))
	case fmt.Stringer:
		if t, ok := v.(time.Time); ok {
			return t
		}
		return v.String()
	}
	return v
}
