// Package table keeps many small things compactly: entries under small stable ids (Pool),
// found by a key that the entry itself holds (Index); a Table is both.
package table

// Table stores entries and finds them by their keys. A Go map would cost more than the
// entry it points to. The zero Table is empty; Hash must be set before it is used.
type Table[T any] struct {
	Pool[T]
	// Hash is that of an entry's key, see Seed.
	Hash  func(*T) uint64
	index Index
}

// Find returns the id of the entry with this hash that same accepts, or 0.
func (t *Table[T]) Find(hash uint64, same func(*T) bool) uint32 {
	return t.index.Find(hash, func(id uint32) bool { return same(t.At(id)) })
}

// Insert stores an entry whose key is not in the table yet.
func (t *Table[T]) Insert(v T) uint32 {
	t.index.fit(t.index.used+1, t.hash, t.ids())
	id := t.Pool.Insert(v)
	t.index.enter(id, t.hash(id))
	return id
}

// Remove clears an entry and gives its id back.
func (t *Table[T]) Remove(id uint32) {
	t.index.leave(id, t.hash)
	t.Pool.Remove(id)
	t.index.fit(t.index.used, t.hash, t.ids())
}

func (t *Table[T]) hash(id uint32) uint64 { return t.Hash(t.At(id)) }
