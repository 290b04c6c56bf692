// Package probe asks a daemon through its console, as an operator would, for those who
// judge it from outside.
package probe

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tandem/internal/manage"
)

// Probe is the console of one daemon. It is for one goroutine.
type Probe struct {
	timeout time.Duration
	client  *manage.Client
	session *manage.Session // nil while none is open
}

// New returns a probe of the daemon behind a socket; timeout bounds one question. Nothing
// is asked yet.
func New(socket string, timeout time.Duration) *Probe {
	return &Probe{timeout: timeout, client: manage.NewClient(socket)}
}

// Close ends the probe.
func (p *Probe) Close() { p.client.Close() }

// Exec runs one line of the console and returns what it prints. A line that is refused is
// an error. A session that broke, because its daemon did, is opened anew the next time.
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

// Display runs a display command and decodes its facts.
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

// Await asks again and again, with a pause in between, until done returns nil. When the
// limit is over it returns what done said last, when ctx is, the error of ctx.
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
