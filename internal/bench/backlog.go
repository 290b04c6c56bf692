package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// backlog reads how many bytes wait in the packet sockets of a namespace. A file of
// /proc/net shows the namespace in which it was opened.
type backlog struct {
	file *os.File
	text []byte
}

func (n *network) backlog(part string) (*backlog, error) {
	b := &backlog{text: make([]byte, 16<<10)}
	err := n.spaces[part].Do(func() (err error) {
		b.file, err = os.Open("/proc/thread-self/net/packet")
		return err
	})
	return b, err
}

func (b *backlog) close() { b.file.Close() }

// bytes returns the sum over the sockets of the namespace. The MLD socket is the only one.
func (b *backlog) bytes() (total int, err error) {
	const waiting = 6 // index of the column Rmem
	n, err := b.file.ReadAt(b.text, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	for i, line := range strings.Split(strings.TrimSpace(string(b.text[:n])), "\n") {
		fields := strings.Fields(line)
		if i == 0 || len(fields) <= waiting {
			continue
		}
		n, err := strconv.Atoi(fields[waiting])
		if err != nil {
			return 0, fmt.Errorf("packet sockets: %w", err)
		}
		total += n
	}
	return total, nil
}

const (
	// fullQueue is the backlog, in bytes, at which the sender waits. It is far below the
	// size of the socket's buffer, so that nothing is lost. It is large enough that the
	// receiver always has something to read.
	fullQueue = 6 << 20
	// sendChunk is how many frames are sent between two readings of the backlog.
	sendChunk = 1024
)

// sustain sends frames as fast as the receiver reads them, and waits until done reports that
// all were read.
func (r *run) sustain(w *wire, f *frames, waiting *backlog, done func() error) error {
	err := onProcessor(0, func() error {
		for from := 0; from < f.len(); from += sendChunk {
			if err := w.send(f, from, min(from+sendChunk, f.len())); err != nil {
				return err
			}
			if err := waiting.below(r.ctx, fullQueue); err != nil {
				return err
			}
		}
		return waiting.below(r.ctx, 1)
	})
	if err != nil {
		return err
	}
	return r.poll(10*time.Second, done)
}

// portion is how many frames inTurns queues at a time. It is far less than the socket's
// buffer holds.
const portion = 20_000

// inTurns gives frames to a receiver in portions, on the receiver's own processor. The
// sender queues a whole portion before the receiver gets the processor. It returns how long
// the receiver took for all portions.
func (r *run) inTurns(w *wire, f *frames, waiting *backlog, done func() error) (took time.Duration, err error) {
	for from := 0; from < f.len(); from += portion {
		var start time.Time
		err := urgent(runtime.NumCPU()-1, func() error {
			defer func() { start = time.Now() }()
			return w.send(f, from, min(from+portion, f.len()))
		})
		if err == nil {
			err = waiting.below(r.ctx, 1)
		}
		if err != nil {
			return 0, err
		}
		took += time.Since(start)
	}
	return took, r.poll(10*time.Second, done)
}

// below waits until the backlog is less than limit bytes.
func (b *backlog) below(ctx context.Context, limit int) error {
	for deadline := time.Now().Add(30 * time.Second); ; {
		waiting, err := b.bytes()
		if err != nil || waiting < limit {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d bytes of reports are still waiting", waiting)
		}
		time.Sleep(200 * time.Microsecond)
	}
}
