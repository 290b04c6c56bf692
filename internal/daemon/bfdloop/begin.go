package bfdloop

import (
	"encoding/gob"
	"fmt"
	"net"
	"os"
	"os/exec"
	"time"

	"tandem/internal/linux/clock"

	"golang.org/x/sys/unix"
)

// helperPatience bounds how long a helper may take to send its greeting, and how long to
// hand over.
const helperPatience = 5 * time.Second

// begin takes over the helper of a predecessor, or starts one.
func (h *helper) begin() (*gob.Decoder, *os.Process, error) {
	if h.o.Inherited != nil {
		conn, err := net.FileConn(h.o.Inherited)
		h.o.Inherited.Close()
		if err == nil {
			if dec, process, err := h.greet(conn, nil); err == nil {
				return dec, process, nil
			}
			conn.Close() // the helper ends when its connection is closed
		}
	}
	return h.launch()
}

// launch starts a process and waits until its loop runs.
func (h *helper) launch() (*gob.Decoder, *os.Process, error) {
	conn, theirs, err := socketPair()
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(h.o.Helper[0], h.o.Helper[1:]...)
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = []*os.File{theirs}
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	dec, _, err := h.greet(conn, cmd.Process)
	if err != nil {
		conn.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil, nil, fmt.Errorf("%s: %w", h.o.Helper[0], err)
	}
	return dec, cmd.Process, nil
}

// greet receives the greeting of a helper and sends it the configuration and the links.
// The process is nil if another process has started the helper.
func (h *helper) greet(conn net.Conn, process *os.Process) (*gob.Decoder, *os.Process, error) {
	enc, dec := gob.NewEncoder(conn), gob.NewDecoder(conn)
	var ready reply
	_ = conn.SetDeadline(time.Now().Add(helperPatience))
	err := enc.Encode(&hello{Origin: clock.Monotonic() - time.Since(h.o.Origin), Seed: h.o.Seed,
		StallLimit: h.o.StallLimit, Adopt: process == nil})
	if err == nil {
		err = dec.Decode(&ready)
	}
	if err == nil {
		err = ready.Err.error()
	}
	if err == nil && process == nil {
		process, err = os.FindProcess(ready.PID)
	}
	if err != nil {
		return nil, nil, err
	}
	_ = conn.SetDeadline(time.Time{})
	h.adopt(conn, enc, process)
	return dec, process, nil
}

func (h *helper) adopt(conn net.Conn, enc *gob.Encoder, p *os.Process) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conn, h.enc, h.process = conn, enc, p
	h.starts++
	if h.closed {
		_ = enc.Encode(&request{Kind: askClose})
		return
	}
	if h.cfgs != nil {
		_ = enc.Encode(&request{Kind: askConfigure, Configs: h.cfgs})
	}
	for _, l := range h.links {
		_ = enc.Encode(&request{Kind: askLink, Link: l})
	}
}

// handOver makes the helper wait for another process, at most for the stall limit and
// grace. It returns the socket by which that process reaches the helper.
func (h *helper) handOver(grace time.Duration) (*os.File, error) {
	h.mu.Lock()
	if err := h.usable(); err != nil {
		h.mu.Unlock()
		return nil, err
	}
	socket, ok := h.conn.(*net.UnixConn)
	if !ok {
		h.mu.Unlock()
		return nil, fmt.Errorf("bfd helper: its socket is a %T", h.conn)
	}
	file, err := socket.File()
	if err != nil {
		h.mu.Unlock()
		return nil, err
	}
	answer := make(chan *reply, 1)
	h.lastID++
	h.waiting[h.lastID] = answer
	_ = h.enc.Encode(&request{ID: h.lastID, Kind: askHandOver, Grace: grace})
	h.closed, h.handed = true, true
	h.mu.Unlock()
	select {
	case <-answer:
		return file, nil
	case <-time.After(helperPatience):
		file.Close()
		return nil, errHelperAway
	}
}

// socketPair makes a pair of connected sockets. The helper inherits one of them.
func socketPair() (ours net.Conn, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	theirs = os.NewFile(uintptr(fds[1]), "helper")
	mine := os.NewFile(uintptr(fds[0]), "helper")
	defer mine.Close() // FileConn duplicates the descriptor
	if ours, err = net.FileConn(mine); err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}
