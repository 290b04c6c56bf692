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
	index []int // of the field, through the structs that are embedded
	none  string
	yes   string // words, empty for true and false
	no    string
	whole time.Duration // a time is told in whole numbers of it, 0 for seconds with a fraction
}

// units are the endings of the names of times, but for those in seconds with a fraction.
var units = []struct {
	ending string
	unit   time.Duration
}{
	{"-100ms", 100 * time.Millisecond}, {"-us", time.Microsecond}, {"-ms", time.Millisecond},
	{"-s", time.Second}, {"-min", time.Minute},
}

// leaves are the structs that are a value and hold no facts.
var leaves = map[reflect.Type]bool{
	reflect.TypeFor[time.Time](): true, reflect.TypeFor[netip.Addr](): true, reflect.TypeFor[netip.Prefix](): true,
	reflect.TypeFor[latency.Histogram](): true,
}

// schema is what is declared of a struct.
type schema struct {
	facts []Fact
	at    map[place]int // which fact a pointer means
}

// place is where a field stands within the struct that holds it. A struct and its first
// field stand at the same place, and differ in their types.
type place struct {
	offset uintptr
	of     reflect.Type
}

// schemas are those of all structs of the state.
var schemas = learn(roots)

func learn(roots []any) map[reflect.Type]*schema {
	known := make(map[reflect.Type]*schema)
	for _, r := range roots {
		learnType(known, reflect.TypeOf(r))
	}
	return known
}

// behind is what a list or a pointer holds.
func behind(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// learnType learns a struct, or what a list or a pointer holds, and what is in it.
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

// add adds the fields of a struct that stands in another, or is the whole.
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
