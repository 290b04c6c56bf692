package state

import (
	"fmt"
	"net/netip"
	"reflect"
	"time"
)

// Concluder is a struct of the state in which some fields are computed from the others.
type Concluder interface {
	// Conclude computes these fields.
	Conclude()
}

// Object is a struct of the state, with access to its fields by their declared names.
type Object struct {
	of     reflect.Value
	schema *schema
}

// ObjectOf returns the object for a pointer to a struct of the state, after Conclude.
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

// Told is a fact together with its value in an object; the value is nil if it is not set.
type Told struct {
	Fact
	Value any
}

// Tell returns the fact of the field to which a pointer points. A field without a
// declared name is a programming error.
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

// value returns the value of a field, in the form that its tags declare.
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

// spelt returns the words of a list whose elements have words.
func spelt(v reflect.Value) []string {
	list := make([]string, v.Len())
	for i := range list {
		list[i] = fmt.Sprint(v.Index(i).Interface())
	}
	return list
}

// set returns nil for a value that means "not set", else the value.
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

// JSON returns the value for encoding/json. A point in time stays as it is. A length of
// time is in seconds, unless the name has another unit. A value that has a word is
// replaced by its word.
func (t Told) JSON() any {
	switch v := t.Value.(type) {
	case []string:
		return append([]string{}, v...) // an empty list, never null
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
