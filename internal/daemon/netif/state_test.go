package netif

import (
	"bytes"
	"encoding/gob"
	"net/netip"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestStateIsHandedOnWhole: a daemon hands its whole State over to its successor.
func TestStateIsHandedOnWhole(t *testing.T) {
	var s, got State
	fill(t, reflect.ValueOf(&s).Elem())
	var handedOn bytes.Buffer
	if err := gob.NewEncoder(&handedOn).Encode(s); err != nil {
		t.Fatal(err)
	}
	if err := gob.NewDecoder(&handedOn).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
		t.Error(diff)
	}
}

// fill sets every part of a value to something other than zero.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	if p, ok := v.Addr().Interface().(*netip.Prefix); ok {
		*p = netip.MustParsePrefix("2001:db8::1/64")
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int:
		v.SetInt(7)
	case reflect.Uint8, reflect.Uint16, reflect.Uint64:
		v.SetUint(7)
	case reflect.String:
		v.SetString("seven")
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(t, v.Index(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(t, v.Index(0))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(t, key)
		fill(t, value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	default:
		t.Fatalf("a %s cannot be filled", v.Type())
	}
}

// TestNothingIsForgotten: each field of an Owner is handed over, or is listed as made
// again.
func TestNothingIsForgotten(t *testing.T) {
	anew := map[string]string{
		"news": "given", "runDir": "given", "own": "given",
		"netlink": "opened", "monitor": "opened", "links": "listed by the monitor",
		"model": "given to Build", "plan": "follows from the model and the links", "built": "follows from Build",
		"undoLog": "read from the run directory", "lacp": "begun by Build", "hearing": "begun by Build", "lookAt": "begun by Build", "repairAt": "begun by Build",
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Owner]()) {
		if f.Type != reflect.TypeFor[State]() && anew[f.Name] == "" {
			t.Errorf("%s is neither handed on nor made anew", f.Name)
		}
		delete(anew, f.Name)
	}
	for name := range anew {
		t.Errorf("there is no field %s", name)
	}
}
