package state

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var wellFormed = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// TestEveryFactHasAName: each field of the state declares a name, and no two names in a
// struct can be confused.
func TestEveryFactHasAName(t *testing.T) {
	for _, of := range structs() {
		taken := make(map[string]string)
		for _, f := range schemas[of].facts {
			field := of.FieldByIndex(f.index)
			if !field.IsExported() {
				t.Errorf("%v.%s is not exported: nobody can show it", of, field.Name)
			}
			checkName(t, of, field.Name, f.Name, taken)
		}
	}
}

func checkName(t *testing.T, of reflect.Type, field, name string, taken map[string]string) {
	t.Helper()
	if !wellFormed.MatchString(name) {
		t.Errorf("%v.%s: name %q is not words in lower case, joined by dashes", of, field, name)
	}
	plain := strings.ReplaceAll(name, "-", "")
	if other, ok := taken[plain]; ok {
		t.Errorf("%v.%s is named %s, too much like %s", of, field, name, other)
	}
	taken[plain] = field
}

// TestTagsAreKnown: every tag is a known one, because a misspelt tag would have no
// effect.
func TestTagsAreKnown(t *testing.T) {
	known := []string{"name", "none", "words", "label", "metric", "help", "at", "by"}
	key := regexp.MustCompile(`(\w+):"`)
	for _, of := range structs() {
		for i := range of.NumField() {
			f := of.Field(i)
			for _, m := range key.FindAllStringSubmatch(string(f.Tag), -1) {
				if _, ok := f.Tag.Lookup(m[1]); ok && !slices.Contains(known, m[1]) {
					t.Errorf("%v.%s: tag %s means nothing", of, f.Name, m[1])
				}
			}
		}
	}
}

// structs lists the structs of the state, sorted by name.
func structs() []reflect.Type {
	return slices.SortedFunc(maps.Keys(schemas), func(a, b reflect.Type) int { return strings.Compare(a.String(), b.String()) })
}

// TestUndeclared: a field that the state does not declare cannot be shown.
func TestUndeclared(t *testing.T) {
	var e Entry
	other := new(int)
	for name, show := range map[string]func(){
		"a field of another struct": func() { ObjectOf(&e).Tell(other) },
		"a struct that is no state": func() { ObjectOf(&struct{ N int }{}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s is shown", name)
				}
			}()
			show()
		}()
	}
	if f := ObjectOf(&e).Tell(&e.Route.Uptime); f.Name != "uptime" {
		t.Errorf("a field of an embedded struct is %q", f.Name)
	}
}
