package tape

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"io"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/instant"
)

// magic is the beginning of a recording. The number is the version of the format.
const magic = "tandem recording 2\n"

// ErrFormat says that a file cannot be read.
var ErrFormat = errors.New("not a recording that this program can read")

// mostHead limits how much memory a file can make a reader allocate for its head.
const mostHead = 1 << 30

// Recording is the latest part of a device's inputs.
type Recording struct {
	Start
	At        instant.Time // when the recording was copied
	stretches []stretch
}

// stretch is a sequence of encoded entries, and the time before the first one.
type stretch struct {
	at     instant.Time
	chunks [][]byte
}

// ErrNothing means that nothing is recorded: recording is off, or the database is too large
// for checkpoints.
var ErrNothing = errors.New("nothing is recorded")

// Write writes the recording without its secrets: it replaces the keys of E-Trunks and
// signs the hellos again.
func (r Recording) Write(w io.Writer) error {
	if len(r.stretches) == 0 {
		return ErrNothing
	}
	out := newWriter(w)
	s := newSigner()
	start := r.Start
	if start.Settings != nil {
		start.Settings = s.settings(start.Settings)
	}
	if err := out.start(start); err != nil {
		return err
	}
	for _, part := range r.stretches {
		last := part.at
		for _, chunk := range part.chunks {
			var err error
			last, err = eachEntry(chunk, last, func(e *Entry) error {
				s.sign(e)
				return out.entry(e)
			})
			if err != nil {
				return err
			}
		}
	}
	return out.w.Flush()
}

// eachEntry calls do for every entry in b and returns the time of the last one.
func eachEntry(b []byte, last instant.Time, do func(*Entry) error) (instant.Time, error) {
	for size := len(b); len(b) > 0; {
		e, n, err := parseEntry(b, last)
		if err != nil {
			return last, fmt.Errorf("%w: byte %d: %w", ErrFormat, size-len(b), err)
		}
		b, last = b[n:], e.At
		if err := do(&e); err != nil {
			return last, err
		}
	}
	return last, nil
}

// writer writes a file.
type writer struct {
	w    *bufio.Writer
	last instant.Time
	buf  []byte
}

func newWriter(w io.Writer) *writer { return &writer{w: bufio.NewWriter(w)} }

func (w *writer) start(s Start) error {
	head, err := appendGob(nil, s)
	if err != nil {
		return err
	}
	w.last = s.At
	w.buf = append(binary.AppendUvarint([]byte(magic), uint64(len(head))), head...)
	_, err = w.w.Write(w.buf)
	return err
}

func (w *writer) entry(e *Entry) error {
	b, err := appendEntry(w.buf[:0], w.last, e)
	if err != nil {
		return err
	}
	w.buf, w.last = b, e.At
	_, err = w.w.Write(b)
	return err
}

// file is a recording read from a file.
type file struct {
	Start
	entries []byte
}

func read(r io.Reader) (f file, err error) {
	all, err := io.ReadAll(r)
	if err != nil {
		return f, err
	}
	rest, ok := bytes.CutPrefix(all, []byte(magic))
	size, n := binary.Uvarint(rest)
	if !ok || n <= 0 || size > mostHead || size > uint64(len(rest)-n) {
		return f, ErrFormat
	}
	head := rest[n : n+int(size)]
	if err := gob.NewDecoder(bytes.NewReader(head)).Decode(&f.Start); err != nil {
		return f, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if f.ID == 0 || (f.Settings == nil) != (f.Checkpoint == nil) {
		return f, fmt.Errorf("%w: it has no beginning", ErrFormat)
	}
	f.entries = rest[n+int(size):]
	return f, nil
}

// each calls do for every entry.
func (f *file) each(do func(*Entry) error) error {
	_, err := eachEntry(f.entries, f.At, do)
	return err
}

// recordedKey replaces every security key in a recording.
var recordedKey = []byte("recording")

// signer replaces the keys of the E-Trunks.
type signer struct {
	was map[uint32]etrunk.Config
}

func newSigner() *signer { return &signer{was: make(map[uint32]etrunk.Config)} }

// settings returns settings with recordedKey in place of their keys, and stores the old
// settings.
func (s *signer) settings(of *device.Settings) *device.Settings {
	out := *of
	out.ETrunks = make(map[uint32]etrunk.Config, len(of.ETrunks))
	clear(s.was)
	for id, cfg := range of.ETrunks {
		s.was[id] = cfg
		if len(cfg.Key) > 0 {
			cfg.Key = recordedKey
		}
		out.ETrunks[id] = cfg
	}
	return &out
}

// sign replaces the secrets in an entry.
func (s *signer) sign(e *Entry) {
	if e.Settings != nil {
		e.Settings = s.settings(e.Settings)
	}
	hello, ok := e.Event.(device.HelloReceived)
	if !ok {
		return
	}
	id, err := etrunk.PeekID(hello.Packet)
	was, known := s.was[id]
	if err != nil || !known {
		return
	}
	now := was
	now.Key = recordedKey
	hello.Packet = resign(hello.Packet, was, now)
	e.Event = hello
}

// resign changes a hello for one configuration to a hello for another. A hello that is
// not authentic under the old key does not become authentic under the new one.
func resign(packet []byte, was, now etrunk.Config) []byte {
	from, err := etrunk.NewKey(was.AuthMode, was.Key, was.ID, was.Peer, was.Local)
	if err != nil {
		return packet
	}
	to, err := etrunk.NewKey(now.AuthMode, now.Key, now.ID, now.Peer, now.Local)
	if err != nil {
		return packet
	}
	var h etrunk.Hello
	if h.Parse(packet, from) != nil {
		return packet
	}
	signed, err := h.Append(nil, to)
	if err != nil {
		return packet
	}
	return signed
}
