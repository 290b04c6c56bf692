package gate

import (
	"bytes"
	"fmt"
	"maps"
	"net/netip"
)

// Sizes of the keys in the kernel's sets.
const (
	nameSize = 16 // IFNAMSIZ, padded with zeros
	sgSize   = 32 // source and group
	portSize = 8  // protocol and port, four bytes each
)

type (
	nameKey [nameSize]byte
	sgKey   [sgSize]byte
	portKey [portSize]byte
)

// contents are the elements of the kernel's sets.
type contents struct {
	seed       uint32
	names      [nameSets]map[nameKey]struct{}
	exceptions map[sgKey]struct{}
	ports      map[portKey]struct{}
}

// The sets of interface names, as indexes.
const (
	closedSet = iota
	bucket0Set
	bucket1Set
	guardedSet
	// Sets whose elements count packets, by outgoing interface.
	heldSet
	passedSet
	leftSet
	nameSets
)

// setNames are the names of the sets.
var setNames = [nameSets]string{
	closedSet: "closed", bucket0Set: "bucket0", bucket1Set: "bucket1", guardedSet: "guarded",
	heldSet: "held", passedSet: "passed", leftSet: "left",
}

// counts reports whether the elements of a set have packet counters.
func counts(set int) bool { return set >= heldSet }

func newContents(seed uint32) *contents {
	c := &contents{seed: seed, exceptions: make(map[sgKey]struct{}), ports: make(map[portKey]struct{})}
	for i := range c.names {
		c.names[i] = make(map[nameKey]struct{})
	}
	return c
}

// contentsOf turns a state into set elements. It returns an error for a name or an address
// that cannot be an element.
func contentsOf(s State) (*contents, error) {
	c := newContents(s.Seed)
	c.exceptions = make(map[sgKey]struct{}, len(s.Exceptions))
	for i, list := range [nameSets][]string{
		closedSet: s.Closed, bucket0Set: s.Bucket0, bucket1Set: s.Bucket1, guardedSet: s.Guarded,
		heldSet: s.Counted, passedSet: s.Counted, leftSet: s.Counted,
	} {
		for _, name := range list {
			// The kernel's names end with a zero byte.
			if name == "" || len(name) >= nameSize {
				return nil, fmt.Errorf("%q cannot be the name of an interface", name)
			}
			var k nameKey
			copy(k[:], name)
			c.names[i][k] = struct{}{}
		}
	}
	for _, o := range s.Exceptions {
		if !isIPv6(o.Source) || !isIPv6(o.Group) {
			return nil, fmt.Errorf("exception (%s, %s) is not IPv6", o.Source, o.Group)
		}
		src, grp := o.Source.As16(), o.Group.As16()
		c.exceptions[sgKey(append(src[:], grp[:]...))] = struct{}{}
	}
	for _, p := range s.Control {
		c.ports[portKey{0: p.Protocol, 4: byte(p.Number >> 8), 5: byte(p.Number)}] = struct{}{}
	}
	return c, nil
}

func isIPv6(a netip.Addr) bool { return a.Is6() && !a.Is4In6() }

func (c *contents) equal(o *contents) bool {
	for i := range c.names {
		if !maps.Equal(c.names[i], o.names[i]) {
			return false
		}
	}
	return c.seed == o.seed && maps.Equal(c.exceptions, o.exceptions) && maps.Equal(c.ports, o.ports)
}

// missing returns, as bytes, the keys that are in a but not in b.
func missing[K nameKey | sgKey | portKey](a, b map[K]struct{}, bytesOf func(K) []byte) [][]byte {
	var keys [][]byte
	for k := range a {
		if _, ok := b[k]; !ok {
			keys = append(keys, bytesOf(k))
		}
	}
	return keys
}

func nameBytes(k nameKey) []byte { return bytes.Clone(k[:]) }
func sgBytes(k sgKey) []byte     { return bytes.Clone(k[:]) }
func portBytes(k portKey) []byte { return bytes.Clone(k[:]) }
