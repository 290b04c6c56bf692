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

// backlog reads what waits in the packet sockets of a namespace. The kernel shows a file
// of /proc/net as it is in the namespace where it was opened.
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

// bytes adds up the sockets of the namespace, of which the MLD socket is the only one.
func (b *backlog) bytes() (total int, err error) {
	const waiting = 6 // the column Rmem
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
	// fullQueue is the backlog at which the sender waits. It is far below what
	// the socket holds, so that nothing is lost, and deep enough that the
	// receiver never runs dry.
	fullQueue = 6 << 20
	// sendChunk is how many frames are sent between two looks at the backlog.
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

// portion is how many frames inTurns lets wait at a time, far fewer than the
// socket holds.
const portion = 20_000

// inTurns hands frames to a receiver in portions, on the receiver's own
// processor: each is there as a whole before the receiver, which waits for the
// sender, begins with it. It returns how long the receiver took for all.
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

// below waits until less than a number of bytes is waiting.
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
