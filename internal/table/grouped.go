package table

// Grouped stores entries that belong to groups, each found among the Members of its own.
// Hash and Links must be set before it is used.
type Grouped[T any] struct {
	Pool[T]
	// Hash is that of an entry's key, see Seed.
	Hash func(*T) uint64
	// Links is where an entry keeps them.
	Links func(*T) *Links
}

// Members are the entries of one group. The zero Members are none.
type Members struct {
	First uint32 // the one that came last, 0 for none
	size  uint32
	index *index // nil until they are more than few
}

// Links are an entry's neighbours among the members of its group, 0 for none.
type Links struct{ Prev, Next uint32 }

// few members are looked through one by one. More have an index of their own: entries of one
// group often come together, and one index for all would meet the memory anew with each.
const few = 4

// Find returns the id of the member with this hash that same accepts, or 0.
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

// Insert stores an entry whose key no member has yet.
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

// Remove clears a member and gives its id back.
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
