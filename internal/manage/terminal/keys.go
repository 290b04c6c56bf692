package terminal

import (
	"bytes"
	"context"
	"io"
	"time"
)

// Control keys of the console.
const (
	ctrlC  = 0x03
	ctrlZ  = 0x1a
	escape = 0x1b
)

// keys translates keys that VRP uses and the line editor does not know: Ctrl+Z types
// `return`, Ctrl+C drops the line. Its Read ends with the context.
type keys struct {
	ctx     context.Context
	pressed <-chan []byte // closed at the end of input
	raw     []byte        // pressed and not yet translated
	pending []byte        // translated and not yet read by the line editor
	// whole says that the present line arrived together with its end. A person does not
	// type so fast, so the line was pasted or sent by a program.
	whole bool
}

// Keys of the line editor: go to the end of the line, then delete to its beginning.
const dropLine = "\x05\x15"

// newKeys begins to read keys. A read cannot be cancelled. So its goroutine stays until
// another key is pressed or the program ends.
func newKeys(ctx context.Context, from io.Reader) *keys {
	pressed := make(chan []byte)
	go func() {
		defer close(pressed)
		for {
			buf := make([]byte, 4096)
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

// watch reads keys while a line runs, until done. At Ctrl+C it drops the keys that were
// typed ahead and calls interrupt. It repeats interrupt until done, because the line may
// not have reached the daemon yet.
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
				from = nil // the next reader sees the end
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

// ahead reports whether keys were pressed that have not been read yet.
func (k *keys) ahead() bool {
	if len(k.raw) > 0 {
		return true
	}
	select {
	case pressed, ok := <-k.pressed:
		if !ok {
			k.pressed = closedKeys // the next reader sees the end
		}
		k.raw = pressed
	default:
	}
	return len(k.raw) > 0
}

// closedKeys is a closed channel: a read from it returns the end of the input at once.
var closedKeys = func() <-chan []byte { c := make(chan []byte); close(c); return c }()

// answer returns one pressed key as the answer to a question. pasted says that text came
// instead; it is left for the line editor.
func (k *keys) answer() (key byte, pasted bool, err error) {
	if err := k.wait(); err != nil {
		return 0, false, err
	}
	if k.raw[0] == escape { // an arrow key or another special key
		k.raw = nil
		return escape, false, nil
	}
	if len(k.raw) > 1 && len(bytes.Trim(k.raw, " \r\nqQ\x03")) > 0 {
		return 0, true, nil
	}
	key = k.raw[0]
	k.raw = k.raw[1:]
	return key, false, nil
}

// Read returns at most one line to the line editor. Later keys may be meant for the output
// of this line.
func (k *keys) Read(p []byte) (int, error) {
	if len(k.pending) == 0 {
		if err := k.wait(); err != nil {
			return 0, err
		}
		end := lineEnd(k.raw)
		k.whole = end > 1
		if end == 0 {
			end = len(k.raw)
		}
		k.pending, k.raw = translate(k.raw[:end], k.whole), k.raw[end:]
	}
	n := copy(p, k.pending)
	k.pending = k.pending[n:]
	return n, nil
}

// lineEnd returns the length of the first line, 0 if it has not ended.
func lineEnd(keys []byte) int {
	end := bytes.IndexAny(keys, "\r\n") + 1
	if end > 0 && end < len(keys) && keys[end-1] == '\r' && keys[end] == '\n' {
		end++
	}
	return end
}

// translate returns the keys for the line editor. In a pasted line, a tab is white space.
func translate(pressed []byte, whole bool) []byte {
	var out []byte
	for _, b := range pressed {
		switch {
		case b == '\t' && whole:
			out = append(out, ' ')
		case b == ctrlZ:
			out = append(out, dropLine+"return\r"...)
		case b == ctrlC:
			out = append(out, dropLine+"\r"...)
		default:
			out = append(out, b)
		}
	}
	return out
}
