package state

import (
	"fmt"
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
//	brief  its name in a table of many objects, where that is another one.
//	none   the number that means that the field is not set.
//	words  the two words, with a comma between them, that a bool says instead of true and false.
type Fact struct {
	Name  string
	Brief string // Name where the tag is missing
	index []int  // of the field, through the structs that are embedded
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
	fact := Fact{Name: f.Tag.Get("name"), Brief: f.Tag.Get("brief"), none: f.Tag.Get("none"), index: path}
	fact.yes, fact.no, _ = strings.Cut(f.Tag.Get("words"), ",")
	if fact.Brief == "" {
		fact.Brief = fact.Name
	}
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

// Object is a struct of the state whose facts are told.
type Object struct {
	of     reflect.Value
	schema *schema
}

// Concluder is a struct of the state with facts that follow from its other facts.
type Concluder interface {
	// Conclude fills them in.
	Conclude()
}

// ObjectOf returns the object that a pointer to a struct of the state means, with what
// follows from its facts.
func ObjectOf(pointer any) Object {
	if c, ok := pointer.(Concluder); ok {
		c.Conclude()
	}
	v := reflect.ValueOf(pointer).Elem()
	s := schemas[v.Type()]
	if s == nil {
		panic(fmt.Sprintf("%v is no part of the state", v.Type()))
	}
	return Object{v, s}
}

// Fact returns the fact that a pointer to a field of the object means. One that is not
// declared is a mistake of the program.
func (o Object) Fact(field any) Fact {
	p := reflect.ValueOf(field)
	at, ok := o.schema.at[place{p.Pointer() - o.of.Addr().Pointer(), p.Type().Elem()}]
	if !ok || o.schema.facts[at].Name == "" {
		panic(fmt.Sprintf("%v declares no name for a field %v", o.of.Type(), p.Type().Elem()))
	}
	return o.schema.facts[at]
}

// Facts lists what is declared of the object, in the order of the declarations.
func (o Object) Facts() []Fact { return o.schema.facts }

// Value is what a fact says of the object: nil where it is not set, a word for a bool
// that has words, a whole number for a time that is told in whole units.
func (o Object) Value(f Fact) any {
	v := o.of.FieldByIndex(f.index)
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	switch {
	case v.Kind() == reflect.Bool && f.yes+f.no != "":
		if v.Bool() {
			return f.yes
		}
		return f.no
	case f.whole != 0:
		return v.Int() / int64(f.whole)
	case f.none != "" && fmt.Sprint(v.Interface()) == f.none:
		return nil
	}
	if list, ok := words(v); ok {
		return list
	}
	value := v.Interface()
	if word, ok := value.(fmt.Stringer); ok && v.Kind() != reflect.Struct && word.String() == "" {
		return nil
	}
	return value
}

// Pointer is a pointer to the field of a fact.
func (o Object) Pointer(f Fact) any { return o.of.FieldByIndex(f.index).Addr().Interface() }

// words is a list of what has words, each by its word.
func words(v reflect.Value) ([]string, bool) {
	if v.Kind() != reflect.Slice || !v.Type().Elem().Implements(reflect.TypeFor[fmt.Stringer]()) {
		return nil, false
	}
	list := make([]string, v.Len())
	for i := range list {
		list[i] = fmt.Sprint(v.Index(i).Interface())
	}
	return list, true
}
