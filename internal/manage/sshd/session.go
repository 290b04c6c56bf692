package sshd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/ssh"

	"tandem/internal/command"
	"tandem/internal/manage/terminal"
)

// session is one session channel (RFC 4254, section 6). First the client's requests say how
// to run the console; then the console runs until the user leaves it.
type session struct {
	conn    *conn
	channel ssh.Channel
	onPTY   bool
	sizes   chan terminal.Size
}

func newSession(c *conn, channel ssh.Channel) *session {
	return &session{conn: c, channel: channel, sizes: make(chan terminal.Size, 1)}
}

// Payloads of the requests (RFC 4254, sections 6.2, 6.5, 6.7 and 6.10).
type (
	ptyRequest struct {
		Term                         string
		Columns, Rows, Width, Height uint32
		Modes                        string
	}
	windowChange struct{ Columns, Rows, Width, Height uint32 }
	execRequest  struct{ Command string }
	exitStatus   struct{ Status uint32 }
)

// serve answers requests until the console has ended or the client is gone.
func (s *session) serve(requests <-chan *ssh.Request) {
	defer s.channel.Close()
	ended := make(chan error, 1)
	running := false
	for {
		select {
		case err := <-ended:
			s.exit(err)
			return
		case r, ok := <-requests:
			if !ok {
				if running {
					s.exit(<-ended) // the input has ended
				}
				return
			}
			run := s.request(r)
			accepted := run != nil && !running || run == nil && s.adjust(r)
			if r.WantReply {
				_ = r.Reply(accepted, nil) // if the client is gone, the requests end too
			}
			if run != nil && !running {
				running = true
				go func() { ended <- run() }()
			}
		}
	}
}

// request returns the function that a request starts, nil if it starts nothing.
func (s *session) request(r *ssh.Request) func() error {
	switch r.Type {
	case "shell":
		if s.onPTY {
			return s.interact
		}
		return func() error { return s.script(bufio.NewScanner(typing{s.channel, s.conn})) }
	case "exec":
		var e execRequest
		if ssh.Unmarshal(r.Payload, &e) != nil {
			return nil
		}
		return func() error {
			return s.script(bufio.NewScanner(strings.NewReader(strings.Join(command.SplitLines(e.Command), "\n"))))
		}
	}
	return nil
}

// adjust handles the requests that describe the client's terminal.
func (s *session) adjust(r *ssh.Request) bool {
	switch r.Type {
	case "pty-req":
		var p ptyRequest
		if ssh.Unmarshal(r.Payload, &p) != nil {
			return false
		}
		s.onPTY = true
		s.resize(p.Columns, p.Rows)
		return true
	case "window-change":
		var w windowChange
		if ssh.Unmarshal(r.Payload, &w) != nil {
			return false
		}
		s.resize(w.Columns, w.Rows)
		return true
	}
	return false
}

// resize sends the newest size to the console. It replaces a size that the console has not
// read yet.
func (s *session) resize(columns, rows uint32) {
	select {
	case <-s.sizes:
	default:
	}
	s.sizes <- terminal.Size{Width: int(min(columns, 1000)), Height: int(min(rows, 1000))}
}

// interact runs the console on a terminal.
func (s *session) interact() error {
	l := s.conn.login
	l.Interactive = true
	near := s.conn.server.open(l)
	t := terminal.Terminal{Keys: typing{s.channel, s.conn}, Screen: s.channel, Sizes: s.sizes}
	err := t.Run(s.conn.ctx, near, near.Prompt())
	if cause := context.Cause(s.conn.ctx); cause != nil {
		fmt.Fprintf(s.channel, "\r\nInfo: %v; the session ends.\r\n", cause)
	}
	return err
}

var errRefused = errors.New("refused")

// script runs lines as `tandem -f` does: it prints their output and stops at the first line
// that is refused.
func (s *session) script(lines *bufio.Scanner) error {
	near := s.conn.server.open(s.conn.login)
	prompt, pending := near.Prompt(), false
	for lines.Scan() && s.conn.ctx.Err() == nil {
		reply, err := near.Exec(s.conn.ctx, lines.Text())
		if err != nil {
			return err
		}
		if reply.Failed {
			fmt.Fprintf(s.channel.Stderr(), "%s%s\n%s", prompt, lines.Text(), reply.Output)
			return errRefused
		}
		_, _ = io.WriteString(s.channel, reply.Output) // if the client is gone, the next read fails
		if prompt, pending = reply.Prompt, reply.Pending; reply.Closed {
			return nil
		}
	}
	if pending {
		fmt.Fprintln(s.channel.Stderr(), "Error: the commands end with changes that were not committed; they are dropped")
		return errRefused
	}
	return lines.Err()
}

// exit sends the exit status of the session to the client.
func (s *session) exit(err error) {
	status := exitStatus{}
	if err != nil {
		status.Status = 1
	}
	_, _ = s.channel.SendRequest("exit-status", false, ssh.Marshal(&status))
}
