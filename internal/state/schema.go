package state

import (
	"net/netip"
	"reflect"
	"strings"
	"time"

	"tandem/internal/latency"
)

// Fact is a field of a struct of the state, as its tags declare it:
//
//	name   its name in JSON: lower case, words joined by dashes. The name of a time ends with its
//	       unit, see units; without one the time is in seconds.
//	none   the number that means that the field is not set.
//	words  the two words, with a comma between them, that a bool says instead of true and false.
type Fact struct {
	Name  string
	index []int // index path of the field, through embedded structs
	none  string
	yes   string // the two words, empty for true and false
	no    string
	whole time.Duration // unit in which a time is shown as a whole number; 0 for seconds with a fraction
}

// units lists the endings of the names of times, and the unit of each. A name without one
// is in seconds with a fraction.
var units = []struct {
	ending string
	unit   time.Duration
}{
	{"-100ms", 100 * time.Millisecond}, {"-us", time.Microsecond}, {"-ms", time.Millisecond},
	{"-s", time.Second}, {"-min", time.Minute},
}

// leaves lists the structs that are single values and have no fields of the state.
var leaves = map[reflect.Type]bool{
	reflect.TypeFor[time.Time](): true, reflect.TypeFor[netip.Addr](): true, reflect.TypeFor[netip.Prefix](): true,
	reflect.TypeFor[latency.Histogram](): true,
}

// schema holds the declarations of a struct.
type schema struct {
	facts []Fact
	at    map[place]int // index of the fact of each field
}

// place is the position of a field in the struct. A struct and its first field have the
// same offset, so the type is part of the place.
type place struct {
	offset uintptr
	of     reflect.Type
}

// schemas holds the schemas of all structs of the state.
var schemas = learn(roots)

func learn(roots []any) map[reflect.Type]*schema {
	known := make(map[reflect.Type]*schema)
	for _, r := range roots {
		learnType(known, reflect.TypeOf(r))
	}
	return known
}

// behind returns the element type of a list or pointer.
func behind(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// learnType reads the declarations of a struct, or of the element of a list or pointer,
// and of everything inside.
func learnType(known map[reflect.Type]*schema, t reflect.Type) {
	t = behind(t)
	if t.Kind() != reflect.Struct || leaves[t] || known[t] != nil {
		return
	}
	s := &schema{at: make(map[place]int)}
	known[t] = s
	s.add(t, nil, 0)
	for i := range t.NumField() {
		learnType(known, t.Field(i).Type)
	}
}

// add adds the fields of a struct, which may be embedded in another.
func (s *schema) add(t reflect.Type, index []int, offset uintptr) {
	for i := range t.NumField() {
		f := t.Field(i)
		path := append(index[:len(index):len(index)], i)
		if f.Anonymous {
			s.add(f.Type, path, offset+f.Offset)
			continue
		}
		s.at[place{offset + f.Offset, f.Type}] = len(s.facts)
		s.facts = append(s.facts, declared(f, path))
	}
}

// declared reads the tags of a field.
func declared(f reflect.StructField, path []int) Fact {
	fact := Fact{Name: f.Tag.Get("name"), none: f.Tag.Get("none"), index: path}
	fact.yes, fact.no, _ = strings.Cut(f.Tag.Get("words"), ",")
	if behind(f.Type) == reflect.TypeFor[time.Duration]() {
		for _, u := range units {
			if strings.HasSuffix(fact.Name, u.ending) {
				fact.whole = u.unit
				break
			}
		}
	}
	return fact
}
