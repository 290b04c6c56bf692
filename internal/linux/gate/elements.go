package gate

import (
	"fmt"
	"slices"

	"github.com/google/nftables"
)

// change queues the set changes that lead from one contents to another, and reports whether
// there are any.
func (r ruleset) change(conn *nftables.Conn, from, to *contents) (bool, error) {
	changed := false
	edit := func(set *nftables.Set, del, add [][]byte) error {
		changed = changed || len(del)+len(add) > 0
		if err := each(del, func(e []nftables.SetElement) error { return conn.SetDeleteElements(set, e) }); err != nil {
			return err
		}
		return each(add, func(e []nftables.SetElement) error { return conn.SetAddElements(set, e) })
	}
	for i, set := range r.names {
		if err := edit(set, missing(from.names[i], to.names[i], nameBytes), missing(to.names[i], from.names[i], nameBytes)); err != nil {
			return false, fmt.Errorf("change the gate: %w", err)
		}
	}
	if err := edit(r.exceptions, missing(from.exceptions, to.exceptions, sgBytes), missing(to.exceptions, from.exceptions, sgBytes)); err != nil {
		return false, fmt.Errorf("change the gate: %w", err)
	}
	if err := edit(r.ports, missing(from.ports, to.ports, portBytes), missing(to.ports, from.ports, portBytes)); err != nil {
		return false, fmt.Errorf("change the gate: %w", err)
	}
	return changed, nil
}

// chunk is how many elements go into one message, because a netlink attribute holds at most
// 64 KiB.
const chunk = 500

func each(keys [][]byte, do func([]nftables.SetElement) error) error {
	for part := range slices.Chunk(keys, chunk) {
		elements := make([]nftables.SetElement, len(part))
		for i, k := range part {
			elements[i].Key = k
		}
		if err := do(elements); err != nil {
			return err
		}
	}
	return nil
}

// read reads the elements of the sets from the kernel.
func (r ruleset) read(conn *nftables.Conn, seed uint32) (*contents, error) {
	c := newContents(seed)
	for i, set := range r.names {
		elements, err := conn.GetSetElements(set)
		if err != nil {
			return nil, err
		}
		for _, e := range elements {
			var k nameKey
			copy(k[:], e.Key)
			c.names[i][k] = struct{}{}
		}
	}
	elements, err := conn.GetSetElements(r.exceptions)
	if err != nil {
		return nil, err
	}
	for _, e := range elements {
		var k sgKey
		copy(k[:], e.Key)
		c.exceptions[k] = struct{}{}
	}
	if elements, err = conn.GetSetElements(r.ports); err != nil {
		return nil, err
	}
	for _, e := range elements {
		var k portKey
		copy(k[:], e.Key)
		c.ports[k] = struct{}{}
	}
	return c, nil
}
