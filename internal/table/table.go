// Package table stores many small entries in little memory. A Pool stores entries under
// small ids that do not change. An index finds an id by a key, which the entry itself
// contains. A Table is a pool with one index. A Grouped is a pool with an index for each
// group of entries.
package table

// Table stores entries and finds them by their keys. A Go map would need more memory for an
// entry than the entry itself. The zero Table is empty; Hash must be set before use.
type Table[T any] struct {
	Pool[T]
	// Hash returns the hash of an entry's key; use a Seed for it.
	Hash  func(*T) uint64
	index index
}

// Find returns the id of the entry with this hash for which same is true, or 0.
func (t *Table[T]) Find(hash uint64, same func(*T) bool) uint32 {
	return t.index.find(hash, func(id uint32) bool { return same(t.At(id)) })
}

// Insert stores an entry. No entry in the table may have the same key.
func (t *Table[T]) Insert(v T) uint32 {
	t.fit(t.index.used + 1)
	id := t.Pool.Insert(v)
	t.index.enter(id, t.Hash(t.At(id)))
	return id
}

// Remove deletes an entry, so that its id is free again.
func (t *Table[T]) Remove(id uint32) {
	t.index.leave(id, func(id uint32) uint64 { return t.Hash(t.At(id)) })
	t.Pool.Remove(id)
	t.fit(t.index.used)
}

// fit gives the index a size for n ids. It inserts the entries in the order of memory,
// which is much faster than the order of the old index.
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
