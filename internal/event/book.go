package event

import "slices"

// Book is a log of bounded size. When it is full, a new entry overwrites the oldest.
type Book struct {
	ring []Entry
	next int    // index of the next entry once the ring is full
	size int    // capacity of the ring
	last uint64 // number of the latest entry
	// Overwritten counts the entries that newer ones have overwritten. Suppressed counts
	// the events that came too fast and were not recorded.
	Overwritten, Suppressed uint64
}

// NewBook returns a book that can hold size entries.
func NewBook(size int) *Book { return &Book{size: size} }

// Note adds an entry and sets its number.
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

// Recent returns copies of the last n entries, the latest first.
func (b *Book) Recent(n int) []Entry {
	list := slices.Concat(b.ring[b.next:], b.ring[:b.next])
	slices.Reverse(list)
	return list[:min(n, len(list))]
}

// Last returns the number of the latest entry, 0 before the first.
func (b *Book) Last() uint64 { return b.last }

// After returns copies of the entries with numbers higher than number, the oldest first.
func (b *Book) After(number uint64) []Entry {
	list := b.Recent(int(min(b.last-min(number, b.last), uint64(b.size))))
	slices.Reverse(list)
	return list
}

// Size returns how many entries the book can hold.
func (b *Book) Size() int { return b.size }

// Len returns how many entries the book holds.
func (b *Book) Len() int { return len(b.ring) }

// Reset empties the book. The next entry does not begin at number 1 again.
func (b *Book) Reset() {
	b.ring, b.next, b.Overwritten, b.Suppressed = nil, 0, 0, 0
}

// Copy returns a book that shares no memory with b.
func (b *Book) Copy() Book {
	c := *b
	c.ring = slices.Clone(b.ring)
	return c
}
