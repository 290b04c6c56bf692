// Package table keeps many small things compactly: entries under small stable ids (Pool),
// found by a key that the entry itself holds (index). A Table is both, Grouped is both for
// each group that entries belong to.
package table

// Table stores entries and finds them by their keys. A Go map would cost more than the
// entry it points to. The zero Table is empty; Hash must be set before it is used.
type Table[T any] struct {
	Pool[T]
	// Hash is that of an entry's key, see Seed.
	Hash  func(*T) uint64
	index index
}

// Find returns the id of the entry with this hash that same accepts, or 0.
func (t *Table[T]) Find(hash uint64, same func(*T) bool) uint32 {
	return t.index.find(hash, func(id uint32) bool { return same(t.At(id)) })
}

// Insert stores an entry whose key is not in the table yet.
func (t *Table[T]) Insert(v T) uint32 {
	t.fit(t.index.used + 1)
	id := t.Pool.Insert(v)
	t.index.enter(id, t.Hash(t.At(id)))
	return id
}

// Remove clears an entry and gives its id back.
func (t *Table[T]) Remove(id uint32) {
	t.index.leave(id, func(id uint32) uint64 { return t.Hash(t.At(id)) })
	t.Pool.Remove(id)
	t.fit(t.index.used)
}

// fit goes through the entries as they lie in memory, which is much quicker than in the
// order of the index.
func (t *Table[T]) fit(n int) {
	again, needed := t.index.again(n)
	if !needed {
		return
	}
	for id := range t.ids() {
		again.enter(id, t.Hash(t.At(id)))
	}
	t.index = again
}
