package event

import "slices"

// Book is a log of bounded size: what comes in puts out what is oldest.
type Book struct {
	ring []Entry
	next int    // where the next entry goes once the ring is full
	size int    // of the ring
	last uint64 // number of the entry that came last
	// Overwritten counts entries that have been put out, Suppressed events that
	// came too fast to be noted.
	Overwritten, Suppressed uint64
}

// NewBook returns a book that holds a number of entries.
func NewBook(size int) *Book { return &Book{size: size} }

// Note adds an entry and gives it its number.
func (b *Book) Note(e Entry) {
	b.last++
	e.Number = b.last
	if len(b.ring) < b.size {
		b.ring = append(b.ring, e)
		return
	}
	b.ring[b.next] = e
	b.next = (b.next + 1) % b.size
	b.Overwritten++
}

// Recent copies the last n entries, the latest first.
func (b *Book) Recent(n int) []Entry {
	list := slices.Concat(b.ring[b.next:], b.ring[:b.next])
	slices.Reverse(list)
	return list[:min(n, len(list))]
}

// Last is the number of the latest entry, 0 before the first.
func (b *Book) Last() uint64 { return b.last }

// After copies the entries behind the one of a number, the oldest first.
func (b *Book) After(number uint64) []Entry {
	list := b.Recent(int(min(b.last-min(number, b.last), uint64(b.size))))
	slices.Reverse(list)
	return list
}

// Size is how many entries it can hold.
func (b *Book) Size() int { return b.size }

// Len is how many entries it holds.
func (b *Book) Len() int { return len(b.ring) }

// Reset empties the book; the numbers go on.
func (b *Book) Reset() {
	b.ring, b.next, b.Overwritten, b.Suppressed = nil, 0, 0, 0
}

// Copy returns a book that shares nothing with b.
func (b *Book) Copy() Book {
	c := *b
	c.ring = slices.Clone(b.ring)
	return c
}
