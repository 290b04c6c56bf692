package terminal

import (
	"bytes"
	"context"
	"io"
	"time"
)

// Control keys of the console.
const (
	ctrlC = 0x03
	ctrlZ = 0x1a
)

// keys translates the keys that the line editor does not know in VRP's sense:
// Ctrl+Z types `return`, Ctrl+C drops the line. Its Read ends with the context.
type keys struct {
	ctx     context.Context
	pressed <-chan []byte // closed at the end of input
	raw     []byte        // pressed and not taken yet
	pending []byte        // translated and not read yet
}

// Line editor keys: to the end of the line, delete to its beginning.
const dropLine = "\x05\x15"

// newKeys begins to read keys. A read cannot be taken back, so its goroutine
// stays until there is another key or the program ends.
func newKeys(ctx context.Context, from io.Reader) *keys {
	pressed := make(chan []byte)
	go func() {
		defer close(pressed)
		for {
			buf := make([]byte, 256)
			n, err := from.Read(buf)
			if n > 0 {
				select {
				case pressed <- buf[:n]:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	return &keys{ctx: ctx, pressed: pressed}
}

// wait waits until a key was pressed.
func (k *keys) wait() error {
	if len(k.raw) > 0 {
		return nil
	}
	select {
	case <-k.ctx.Done():
		return context.Cause(k.ctx)
	case pressed, ok := <-k.pressed:
		if !ok {
			return io.EOF
		}
		k.raw = pressed
	}
	return nil
}

// watch takes keys while nobody reads them, until done; at Ctrl+C it drops what was
// typed ahead and calls interrupt, and again until done: the line to interrupt may only
// be on its way.
func (k *keys) watch(done <-chan struct{}, interrupt func()) {
	var again <-chan time.Time
	from := k.pressed
	for {
		select {
		case <-done:
			return
		case <-again:
			interrupt()
			again = time.After(againInterval)
		case pressed, ok := <-from:
			if !ok {
				from = nil // whoever reads next sees the end
			}
			k.raw = append(k.raw, pressed...)
			if at := bytes.LastIndexByte(k.raw, ctrlC); at >= 0 {
				k.raw = k.raw[at+1:]
				interrupt()
				again = time.After(againInterval)
			}
		}
	}
}

const againInterval = 100 * time.Millisecond

// key returns one key as it was pressed.
func (k *keys) key() (byte, error) {
	if err := k.wait(); err != nil {
		return 0, err
	}
	key := k.raw[0]
	k.raw = k.raw[1:]
	return key, nil
}

// Read gives the line editor one line at most: what was typed behind it may be for
// what the line shows.
func (k *keys) Read(p []byte) (int, error) {
	if len(k.pending) == 0 {
		if err := k.wait(); err != nil {
			return 0, err
		}
		end := bytes.IndexByte(k.raw, '\r') + 1
		if end == 0 {
			end = len(k.raw)
		}
		k.pending, k.raw = translate(k.raw[:end]), k.raw[end:]
	}
	n := copy(p, k.pending)
	k.pending = k.pending[n:]
	return n, nil
}

func translate(pressed []byte) []byte {
	var out []byte
	for _, b := range pressed {
		switch b {
		case ctrlZ:
			out = append(out, dropLine+"return\r"...)
		case ctrlC:
			out = append(out, dropLine+"\r"...)
		default:
			out = append(out, b)
		}
	}
	return out
}
