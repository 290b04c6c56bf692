package packet

import (
	"fmt"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/socket"
)

const (
	// BatchSize is the largest number of messages that one Read returns.
	BatchSize = 64
	// maxMessage is the longest message that is received, in bytes. It is more
	// than a jumbo frame holds; MLD never needs fragments.
	maxMessage = 9216

	maxPacket = headerSize + 8 + maxMessage // with a hop-by-hop header for Router Alert
)

// maxControl is the room, in bytes, for the status of a packet socket (struct tpacket_auxdata).
var maxControl = unix.CmsgSpace(20)

// reader reads batches of messages.
type reader struct {
	count *counters
	batch *socket.Batch

	// Fields of poll, so that the function value given to the poller is made only once.
	want    int
	got     []socket.Datagram
	err     error
	receive func(fd uintptr) bool
}

func (r *reader) init(count *counters) {
	r.count = count
	r.batch = socket.NewBatch(BatchSize, maxPacket, maxControl)
	r.receive = r.poll
}

// poll receives up to r.want packets without waiting. It returns false if it must be called
// again when packets arrive.
func (r *reader) poll(fd uintptr) bool {
	r.got, r.err = r.batch.Receive(int(fd), r.want)
	return len(r.got) > 0 || r.err != nil || r.want == 0
}

// Read waits for messages and fills the batch with those that have arrived, at most
// BatchSize. It returns their number, which is at least one if there is no error. A packet
// that is not a correct message is in the batch too; its Err says what is wrong. Read does
// not allocate. After Close it returns net.ErrClosed.
func (c *Conn) Read(batch []Message) (int, error) {
	r := &c.reads
	r.want = len(batch)
	if err := c.raw.Read(r.receive); err != nil {
		return 0, c.ioError(err)
	}
	if r.err != nil {
		return 0, fmt.Errorf("receive MLD messages: %w", r.err)
	}
	for i := range r.got {
		r.decode(&r.got[i], &batch[i])
	}
	return len(r.got), nil
}

// decode turns a packet into a message and counts it.
func (r *reader) decode(d *socket.Datagram, m *Message) {
	*m = Message{Ifindex: d.Ifindex, Unicast: d.Unicast}
	if d.Truncated {
		m.Err = errTooLong
		r.count.truncated.Add(1)
		return
	}
	if m.Err = m.parse(d.Payload, d.ChecksumPending); m.Err != nil {
		r.count.malformed.Add(1)
		return
	}
	r.count.received.Add(1)
}
