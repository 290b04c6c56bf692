package packet

import (
	"fmt"
	"net/netip"

	"tandem/internal/linux/socket"
)

const (
	// BatchSize is the most messages that one Read returns.
	BatchSize = 64
	// maxMessage is the longest message that is received, in bytes. It is more
	// than a jumbo frame holds; MLD never needs fragments.
	maxMessage = 9216

	// maxControl holds packet info, hop limit, hop-by-hop options and the
	// overrun count. Options longer than Router Alert are cut off, and with
	// them the message counts as malformed.
	maxControl = 256
)

// Message is a received MLD message.
type Message struct {
	Ifindex  int
	Src, Dst netip.Addr // without zone
	HopLimit int
	// RouterAlert says that the packet had a Router Alert option for MLD in a
	// hop-by-hop header (RFC 2711).
	RouterAlert bool
	// Payload is the ICMPv6 message from its type on. It is valid until the next Read.
	Payload []byte
}

// reader reads batches of messages.
type reader struct {
	count *counters
	batch *socket.Batch

	// Kept here so that the function given to the poller is made once.
	want    int
	got     []socket.Datagram
	err     error
	receive func(fd uintptr) bool
	overrun uint32 // the kernel's count at the last message
}

func (r *reader) init(count *counters) {
	r.count = count
	r.batch = socket.NewBatch(BatchSize, maxMessage, maxControl)
	r.receive = r.poll
}

// poll receives up to r.want messages without waiting; it returns false to be called
// again when there are some.
func (r *reader) poll(fd uintptr) bool {
	r.got, r.err = r.batch.Receive(int(fd), r.want)
	return len(r.got) > 0 || r.err != nil || r.want == 0
}

// Read waits for messages and fills the batch with those that are there, at
// most BatchSize; it returns how many, which is at least one without an error.
// It allocates nothing. After Close it returns net.ErrClosed.
func (c *Conn) Read(batch []Message) (int, error) {
	r := &c.reads
	r.want = len(batch)
	for {
		if err := c.raw.Read(r.receive); err != nil {
			return 0, c.ioError(err)
		}
		if r.err != nil {
			return 0, fmt.Errorf("receive MLD messages: %w", r.err)
		}
		n := 0
		for i := range r.got {
			if r.decode(&r.got[i], &batch[n]) {
				n++
			}
		}
		if n > 0 || r.want == 0 {
			r.count.received.Add(uint64(n))
			return n, nil
		}
	}
}

// decode turns a datagram into m, or counts why not.
func (r *reader) decode(d *socket.Datagram, m *Message) bool {
	if d.Overrun != 0 {
		// The kernel's count has 32 bits; its growth is what counts.
		r.count.overrun.Add(uint64(d.Overrun - r.overrun))
		r.overrun = d.Overrun
	}
	switch {
	case d.Truncated:
		r.count.truncated.Add(1)
		return false
	case d.ControlTruncated, !d.Dst.IsValid(), d.HopLimit < 0:
		r.count.malformed.Add(1)
		return false
	}
	*m = Message{
		Ifindex: d.Ifindex, Src: d.Src.Addr(), Dst: d.Dst, HopLimit: d.HopLimit,
		RouterAlert: hasRouterAlert(d.HopOptions), Payload: d.Payload,
	}
	return true
}

// Hop-by-hop options (RFC 8200 section 4.2, RFC 2711 section 2.1).
const (
	optPad1        = 0
	optRouterAlert = 5
)

// hasRouterAlert looks for the Router Alert option with value 0, "datagram
// contains an MLD message", in a hop-by-hop header.
func hasRouterAlert(b []byte) bool {
	if len(b) < 2 {
		return false
	}
	b = b[2:] // next header and length
	for len(b) >= 2 {
		if b[0] == optPad1 {
			b = b[1:]
			continue
		}
		size := 2 + int(b[1])
		if size > len(b) {
			return false
		}
		if b[0] == optRouterAlert && size == 4 && b[2] == 0 && b[3] == 0 {
			return true
		}
		b = b[size:]
	}
	return false
}
