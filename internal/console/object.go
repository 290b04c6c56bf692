package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"tandem/internal/state"
)

// object is a JSON object that keeps the order of its members. It shows a struct of the
// state.
type object struct {
	of      state.Object
	members []member
}

type member struct {
	key   string
	value any
}

// objectOf returns an empty object for a struct.
func objectOf(pointer any) *object { return &object{of: state.ObjectOf(pointer)} }

func (o *object) set(key string, value any) {
	o.members = append(o.members, member{key, value})
}

func (o *object) has(key string) bool {
	return slices.ContainsFunc(o.members, func(m member) bool { return m.key == key })
}

// MarshalJSON writes the members in the order in which they were set.
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
