package table

import "iter"

const (
	chunkBits = 9
	chunkSize = 1 << chunkBits
)

// Pool stores entries under ids and always uses the lowest free ids. Entries never move, so
// a pointer to an entry is valid until the entry is removed. Id 0 means none. The zero Pool
// is empty.
type Pool[T any] struct {
	chunks [][]T
	free   []uint32
	top    uint32 // highest id that was ever used
}

// At returns the entry of a used id.
func (p *Pool[T]) At(id uint32) *T { return &p.chunks[id>>chunkBits][id&(chunkSize-1)] }

// Len returns the number of entries.
func (p *Pool[T]) Len() int { return int(p.top) - len(p.free) }

// Top returns the highest id that was ever used. For an unused id up to it, At returns a
// zero entry.
func (p *Pool[T]) Top() uint32 { return p.top }

// Insert stores an entry and returns its id.
func (p *Pool[T]) Insert(v T) (id uint32) {
	if n := len(p.free); n > 0 {
		id, p.free = p.free[n-1], p.free[:n-1]
	} else {
		p.top++
		id = p.top
		if int(id>>chunkBits) >= len(p.chunks) {
			p.chunks = append(p.chunks, make([]T, chunkSize))
		}
	}
	*p.At(id) = v
	return id
}

// Remove clears an entry, so that its id is free again.
func (p *Pool[T]) Remove(id uint32) {
	var zero T
	*p.At(id) = zero
	p.free = append(p.free, id)
}

// ids yields the used ids.
func (p *Pool[T]) ids() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		vacant := make([]bool, p.top+1)
		for _, id := range p.free {
			vacant[id] = true
		}
		for id := uint32(1); id <= p.top; id++ {
			if !vacant[id] && !yield(id) {
				return
			}
		}
	}
}
