package status

import (
	"sync"
	"time"
)

// handoversKept is how many changes of what is sent are remembered.
const handoversKept = 16

// Board is what a device remembers of itself and of its peer for people to see. Its
// methods may be called from any goroutine. The zero value remembers nothing yet.
type Board struct {
	mu        sync.Mutex
	peer      Device
	peerAt    time.Time // when the peer told, zero when it never has
	history   history
	handovers []Handover // the last one first
}

// AddSample notes the totals of this device in one second, beside those that the peer has
// told last. At is in milliseconds since 1970.
func (b *Board) AddSample(at int64, self Totals) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.history.add(at, self, b.peer.Totals)
}

// Samples lists the samples of the last minutes, the oldest first.
func (b *Board) Samples() []Sample {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.history.list()
}

// SetPeer notes what the peer has told, and when.
func (b *Board) SetPeer(d Device, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.peer, b.peerAt = d, at
}

// Peer returns what the peer has told last, and when; it never has at the zero time.
func (b *Board) Peer() (d Device, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.peer, b.peerAt
}

// AddHandover notes a change of what this device sends.
func (b *Board) AddHandover(h Handover) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := b.handovers[:min(len(b.handovers), handoversKept-1)]
	b.handovers = append([]Handover{h}, kept...)
}

// Handovers lists the last changes of what this device sends, the last one first. The
// list must not be changed.
func (b *Board) Handovers() []Handover {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.handovers
}
