package state

import (
	"fmt"
	"net/netip"
	"reflect"
	"time"
)

// Concluder is a struct of the state with facts that follow from its other facts.
type Concluder interface {
	// Conclude fills them in.
	Conclude()
}

// Object is a struct of the state whose facts are told.
type Object struct {
	of     reflect.Value
	schema *schema
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

// Told is a fact with what it says of an object: nil where it is not set.
type Told struct {
	Fact
	Value any
}

// Tell returns the fact that a pointer to a field of the object means. One without a
// declared name is a mistake of the program.
func (o Object) Tell(field any) Told {
	p := reflect.ValueOf(field)
	at, ok := o.schema.at[place{p.Pointer() - o.of.Addr().Pointer(), p.Type().Elem()}]
	if !ok || o.schema.facts[at].Name == "" {
		panic(fmt.Sprintf("%v declares no name for a field %v", o.of.Type(), p.Type().Elem()))
	}
	fact := o.schema.facts[at]
	return Told{fact, fact.value(o.of.FieldByIndex(fact.index))}
}

// Fields lists pointers to the fields of the object, in the order of their declaration.
func (o Object) Fields() []any {
	pointers := make([]any, 0, len(o.schema.facts))
	for _, f := range o.schema.facts {
		pointers = append(pointers, o.of.FieldByIndex(f.index).Addr().Interface())
	}
	return pointers
}

// value is what a field says.
func (f *Fact) value(v reflect.Value) any {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	switch {
	case v.Kind() == reflect.Bool && f.yes+f.no != "":
		return set(map[bool]string{true: f.yes, false: f.no}[v.Bool()])
	case f.whole != 0:
		return v.Int() / int64(f.whole)
	case f.none != "" && fmt.Sprint(v.Interface()) == f.none:
		return nil
	case v.Kind() == reflect.Slice && v.Type().Elem().Implements(reflect.TypeFor[fmt.Stringer]()):
		return spelt(v)
	}
	return set(v.Interface())
}

// spelt is a list of what has words, each by its word.
func spelt(v reflect.Value) []string {
	list := make([]string, v.Len())
	for i := range list {
		list[i] = fmt.Sprint(v.Index(i).Interface())
	}
	return list
}

// set is nil for a value that means that there is none.
func set(v any) any {
	none := false
	switch v := v.(type) {
	case netip.Addr:
		none = !v.IsValid()
	case netip.Prefix:
		none = !v.IsValid()
	case time.Time:
		none = v.IsZero()
	case fmt.Stringer:
		none = v.String() == ""
	default:
		r := reflect.ValueOf(v)
		none = r.Kind() == reflect.String && r.Len() == 0
	}
	if none {
		return nil
	}
	return v
}

// JSON is what encoding/json shows of the fact: times of the day as they are, other times
// in seconds unless the name has their unit, and what has a word by its word.
func (t Told) JSON() any {
	switch v := t.Value.(type) {
	case []string:
		return append([]string{}, v...) // never null
	case time.Time:
		return v
	case time.Duration:
		return v.Seconds()
	case Timer:
		return max(time.Duration(v), 0).Seconds()
	case Interval:
		return time.Duration(v).Seconds()
	case fmt.Stringer:
		return v.String()
	}
	return t.Value
}
