package udp

import (
	"math"

	"tandem/internal/linux/socket"
)

// Message is a received datagram.
type Message = socket.Datagram

// Batch is memory for received datagrams that is used again for each Receive.
type Batch = socket.Batch

// controlSize is the room for the control messages packet information, hop limit and
// timestamp: 40+24+32 octets.
const controlSize = 128

// NewBatch makes room for n datagrams of at most size octets each; both must be positive.
func NewBatch(n, size int) *Batch { return socket.NewBatch(n, size, controlSize) }

// receive receives as many datagrams as the batch has room for.
func receive(fd int, b *Batch) ([]Message, error) { return b.Receive(fd, math.MaxInt) }
