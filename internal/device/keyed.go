package device

import (
	"cmp"
	"maps"
	"slices"
)

// keyed is a map whose list is in the order of the keys, so that a replay does everything
// in the same order.
type keyed[K cmp.Ordered, V any] struct {
	byKey map[K]V
	list  []V
}

// get returns the value of a key, the zero value if there is none.
func (k *keyed[K, V]) get(key K) V { return k.byKey[key] }

func (k *keyed[K, V]) put(key K, thing V) {
	if k.byKey == nil {
		k.byKey = make(map[K]V)
	}
	k.byKey[key] = thing
	k.list = sorted(k.byKey)
}

func (k *keyed[K, V]) remove(key K) {
	delete(k.byKey, key)
	k.list = sorted(k.byKey)
}

// sorted lists the values of a map in the order of their keys.
func sorted[K cmp.Ordered, V any](m map[K]V) []V {
	list := make([]V, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		list = append(list, m[key])
	}
	return list
}
