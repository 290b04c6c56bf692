package table

// Grouped stores entries that belong to groups. The caller keeps a Members for each
// group, and entries are found through it. Hash and Links must be set before use.
type Grouped[T any] struct {
	Pool[T]
	// Hash returns the hash of an entry's key; use a Seed for it.
	Hash func(*T) uint64
	// Links returns a pointer to the Links field of an entry.
	Links func(*T) *Links
}

// Members are the entries of one group. The zero Members is empty.
type Members struct {
	First uint32 // the member inserted last, 0 for none
	size  uint32
	index *index // nil while there are at most few members
}

// Links are the ids of the neighbours of an entry in the list of its group's members, 0 for
// none.
type Links struct{ Prev, Next uint32 }

// few is the largest number of members that are searched one by one. A group with more
// members has an index of its own. Entries of one group are often used together. One index
// for all groups would cause a cache miss for each of them.
const few = 4

// Find returns the id of the member with this hash for which same is true, or 0.
func (t *Grouped[T]) Find(m *Members, hash uint64, same func(*T) bool) uint32 {
	if m.index != nil {
		return m.index.find(hash, func(id uint32) bool { return same(t.At(id)) })
	}
	id := m.First
	for id != 0 && !same(t.At(id)) {
		id = t.links(id).Next
	}
	return id
}

// Insert stores an entry. No member may have the same key.
func (t *Grouped[T]) Insert(m *Members, v T) uint32 {
	id := t.Pool.Insert(v)
	*t.links(id) = Links{Next: m.First}
	if m.First != 0 {
		t.links(m.First).Prev = id
	}
	m.First = id
	m.size++
	switch {
	case m.index != nil:
		m.index.insert(id, t.hash)
	case m.size > few:
		m.index = new(index)
		for member := id; member != 0; member = t.links(member).Next {
			m.index.insert(member, t.hash)
		}
	}
	return id
}

// Remove deletes a member, so that its id is free again.
func (t *Grouped[T]) Remove(m *Members, id uint32) {
	if m.index != nil {
		m.index.remove(id, t.hash)
	}
	l := *t.links(id)
	if l.Prev != 0 {
		t.links(l.Prev).Next = l.Next
	} else {
		m.First = l.Next
	}
	if l.Next != 0 {
		t.links(l.Next).Prev = l.Prev
	}
	m.size--
	t.Pool.Remove(id)
}

func (t *Grouped[T]) links(id uint32) *Links { return t.Links(t.At(id)) }

func (t *Grouped[T]) hash(id uint32) uint64 { return t.Hash(t.At(id)) }
