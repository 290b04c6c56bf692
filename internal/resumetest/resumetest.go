// Package resumetest checks that a checkpoint is complete: each piece of an object's
// state that outlives an event must be in it, so that a successor gets it.
package resumetest

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"
)

// Fields fails t unless every field of a struct is named as kept or as made again. Kept
// fields are those that the object's checkpoint copies. For each of the others, anew
// gives the reason why a successor can do without it.
func Fields(t testing.TB, of reflect.Type, kept []string, anew map[string]string) {
	t.Helper()
	for i := range of.NumField() {
		name := of.Field(i).Name
		_, isNew := anew[name]
		switch isKept := slices.Contains(kept, name); {
		case isKept && isNew:
			t.Errorf("%v.%s is kept, and is made anew", of, name)
		case !isKept && !isNew:
			t.Errorf("%v.%s is neither kept nor made anew: a planned restart forgets it", of, name)
		}
	}
	for name := range anew {
		kept = append(kept, name)
	}
	for _, name := range kept {
		if _, exists := of.FieldByName(name); !exists {
			t.Errorf("%v has no field %s", of, name)
		}
	}
}

// Survives fails t unless a checkpoint of the type of zero keeps every field when it is
// encoded and decoded by package gob.
func Survives(t testing.TB, zero any) {
	t.Helper()
	f := filler{t: t}
	sent := reflect.New(reflect.TypeOf(zero))
	f.fill(sent.Elem(), sent.Type().String())
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).EncodeValue(sent); err != nil {
		t.Fatal(err)
	}
	received := reflect.New(sent.Elem().Type())
	if err := gob.NewDecoder(&b).DecodeValue(received); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(sent.Interface(), received.Interface()) {
		t.Errorf("sent\n%+v, received\n%+v", sent.Elem(), received.Elem())
	}
}

// filler sets every field to a different value that is not zero.
type filler struct {
	t testing.TB
	n int
}

func (f *filler) fill(v reflect.Value, path string) {
	f.n++
	switch v.Interface().(type) {
	case netip.Addr:
		v.Set(reflect.ValueOf(netip.AddrFrom16([16]byte{0xfe, 0x80, 14: byte(f.n >> 8), 15: byte(f.n)})))
		return
	case netip.Prefix:
		v.Set(reflect.ValueOf(netip.PrefixFrom(netip.AddrFrom16([16]byte{0xff, 14: byte(f.n >> 8), 15: byte(f.n)}), 128)))
		return
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(int64(f.n), 0).UTC()))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(f.n%100 + 1))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(f.n%100 + 1))
	case reflect.String:
		v.SetString(fmt.Sprint(f.n))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), path)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		f.fill(v.Index(0), path+"[]")
	case reflect.Array:
		for i := range v.Len() {
			f.fill(v.Index(i), path+"[]")
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(key, path+"[key]")
		f.fill(value, path+"[]")
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		f.fillStruct(v, path)
	default:
		f.t.Fatalf("%s: a %v cannot be handed on", path, v.Type())
	}
}

func (f *filler) fillStruct(v reflect.Value, path string) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() {
			f.t.Fatalf("%s.%s is not exported: gob leaves it out", path, field.Name)
		}
		f.fill(v.Field(i), path+"."+field.Name)
	}
}
