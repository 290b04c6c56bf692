package console

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"tandem/internal/state"
)

// oldCounters lists the exported integer fields of a Counters struct in the order
// of their declaration, nested structs and arrays included, under labels made
// of the field names. A core thus adds a counter and it is seen without a
// second list of names here.
func oldCounters(v any) []field {
	return appendCounters(nil, "", reflect.ValueOf(v))
}

func appendCounters(fs []field, label string, v reflect.Value) []field {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				fs = appendCounters(fs, joinLabel(label, words(f.Name)), v.Field(i))
			}
		}
	case reflect.Map:
		for _, k := range sortedKeys(v) {
			fs = appendCounters(fs, joinLabel(label, fmt.Sprint(k.Interface())), v.MapIndex(k))
		}
	case reflect.Array, reflect.Slice:
		for i := range v.Len() {
			fs = appendCounters(fs, joinLabel(label, fmt.Sprint(i)), v.Index(i))
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		fs = append(fs, field{label, v.Interface()})
	}
	return fs
}

func sortedKeys(m reflect.Value) []reflect.Value {
	keys := m.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		return strings.Compare(fmt.Sprint(a.Interface()), fmt.Sprint(b.Interface()))
	})
	return keys
}

func joinLabel(a, b string) string {
	if a == "" {
		return b
	}
	return a + " " + b
}

// words splits a Go field name: BadHopLimit is "Bad hop limit", RecDrop "Rec drop".
func words(name string) string {
	runes := []rune(name)
	var b strings.Builder
	for i, r := range runes {
		upper := unicode.IsUpper(r)
		starts := i > 0 && upper &&
			(!unicode.IsUpper(runes[i-1]) || (i+1 < len(runes) && unicode.IsLower(runes[i+1])))
		if starts {
			b.WriteByte(' ')
		}
		inAcronym := upper && (i+1 == len(runes) || unicode.IsUpper(runes[i+1])) || i == 0
		if upper && !inAcronym {
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// causes prints those counters of a Counters struct that are not zero, two a line or
// one, but for those named, which were printed before. The facts have all of them.
func (s *sheet) causes(counted any, print func(...field), named ...string) {
	var seen []field
	for _, f := range oldCounters(counted) {
		switch {
		case slices.ContainsFunc(named, func(n string) bool { return words(n) == f.label }):
		case reflect.ValueOf(f.value).IsZero():
			s.fact(factKey(f.label), f.value)
		default:
			seen = append(seen, f)
		}
	}
	print(seen...)
}

// counters lists the facts of a struct of counters, labelled with their names.
func counters(pointer any) (list []field) {
	object := state.ObjectOf(pointer)
	for _, f := range object.Facts() {
		list = append(list, field{label(f.Name), object.Pointer(f)})
	}
	return list
}

// counted prints those counters of a struct in the open one that are not zero, two a line
// or one, and that were not printed before. The facts have all of them.
func (s *sheet) counted(counters any, print func(...field)) {
	object := state.ObjectOf(counters)
	var seen []field
	for _, f := range object.Facts() {
		switch {
		case s.facts().has(f.Name):
		case object.Value(f) == uint64(0):
			s.record(object.Pointer(f))
		default:
			seen = append(seen, field{label(f.Name), object.Pointer(f)})
		}
	}
	print(seen...)
}

// label is the words of a name: bad-length is Bad length.
func label(name string) string {
	return strings.ToUpper(name[:1]) + strings.ReplaceAll(name[1:], "-", " ")
}

// plural is "1 entry" or "2 entries".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
