package status

import (
	"sync"
	"time"
)

// handoversKept is how many changes of the sent buckets are kept.
const handoversKept = 16

// Board keeps the recent history of a device, and the status of its peer, for the web
// page. Its methods may be called from any goroutine. The zero value is empty.
type Board struct {
	mu        sync.Mutex
	peer      Device
	peerAt    time.Time // when the peer's status came, zero if none has come
	history   history
	handovers []Handover // the latest first
}

// AddSample adds the totals of this device in one second, together with the peer's last
// ones. at is in milliseconds since 1970.
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

// SetPeer stores the status received from the peer, and when it came.
func (b *Board) SetPeer(d Device, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.peer, b.peerAt = d, at
}

// Peer returns the last status received from the peer, and when it came; the zero time if
// none has come.
func (b *Board) Peer() (d Device, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.peer, b.peerAt
}

// AddHandover adds a change of the buckets that this device sends.
func (b *Board) AddHandover(h Handover) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := b.handovers[:min(len(b.handovers), handoversKept-1)]
	b.handovers = append([]Handover{h}, kept...)
}

// Handovers lists the last changes of the buckets that this device sends, the latest
// first. The list must not be changed.
func (b *Board) Handovers() []Handover {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.handovers
}
