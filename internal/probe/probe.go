// Package probe reads the state of a daemon through its console, as an operator does.
// Tests and the lab use it.
package probe

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tandem/internal/manage"
)

// Probe is the console of one daemon. Only one goroutine may use it.
type Probe struct {
	timeout time.Duration
	client  *manage.Client
	session *manage.Session // nil if no session is open
}

// New returns a probe of the daemon behind a socket; timeout bounds one command. It does
// not connect yet.
func New(socket string, timeout time.Duration) *Probe {
	return &Probe{timeout: timeout, client: manage.NewClient(socket)}
}

// Close closes the connection.
func (p *Probe) Close() { p.client.Close() }

// Exec runs one line of the console and returns its output. A refused line is an error.
// If the session has ended, for instance because the daemon has, the next Exec opens a
// new one.
func (p *Probe) Exec(ctx context.Context, line string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	if p.session == nil {
		s, err := p.client.Open(ctx, false)
		if err != nil {
			return "", err
		}
		p.session = s
	}
	reply, err := p.session.Exec(ctx, line)
	if err != nil {
		p.session = nil
		return "", err
	}
	if reply.Failed {
		return "", fmt.Errorf("%q: %s", line, reply.Output)
	}
	return reply.Output, nil
}

// Display runs a display command and decodes its JSON.
func (p *Probe) Display(ctx context.Context, what string, into any) error {
	out, err := p.Exec(ctx, "display "+what+" | json")
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		return fmt.Errorf("display %s: %w", what, err)
	}
	return nil
}

// Await calls done repeatedly, with a pause between two calls, until it returns nil. When
// limit has passed, it returns the last error of done; when ctx ends, the error of ctx.
func Await(ctx context.Context, limit, pause time.Duration, done func() error) error {
	deadline := time.Now().Add(limit)
	for {
		err := done()
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not within %v: %w", limit, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// Configure runs lines in the system view and commits them. The session must be in the
// user view before, and is in the user view afterwards.
func (p *Probe) Configure(ctx context.Context, lines ...string) error {
	for _, line := range slices.Concat([]string{"system-view"}, lines, []string{"commit", "return"}) {
		if _, err := p.Exec(ctx, line); err != nil {
			return err
		}
	}
	return nil
}
