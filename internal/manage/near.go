package manage

import (
	"context"
	"sync"

	"tandem/internal/console"
)

// Near is a console session inside this process, with the methods of a session over the
// socket. Its lines run one after the other.
type Near struct {
	sys *console.System

	mu      sync.Mutex
	session *console.Session
}

// NewNear opens a session.
func NewNear(sys *console.System, l console.Login) *Near {
	return &Near{sys: sys, session: sys.NewSession(l)}
}

// Prompt returns the prompt to show first.
func (n *Near) Prompt() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.session.Prompt()
}

// Exec runs one line.
func (n *Near) Exec(_ context.Context, line string) (Reply, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return replyOf(n.session, n.session.Exec(line)), nil
}

// Complete returns what may follow at the end of a line.
func (n *Near) Complete(_ context.Context, line string) (Completion, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return completionOf(n.session.Complete(line)), nil
}

// Follow waits for events with a number above after.
func (n *Near) Follow(ctx context.Context, after uint64) (LogReply, error) {
	text, last, err := n.sys.Follow(ctx, after)
	return LogReply{text, last}, err
}

func replyOf(s *console.Session, r console.Result) Reply {
	return Reply{Output: r.Output, Failed: r.Err != nil, Prompt: r.Prompt, Question: r.Question,
		Pending: s.Pending(), ScreenLength: r.ScreenLength, Monitor: r.Monitor, Closed: r.Closed}
}

func completionOf(c console.Completion) Completion {
	list := Completion{Expanded: c.Expanded, Error: c.Error, Candidates: []Candidate{}}
	for _, x := range c.Candidates {
		list.Candidates = append(list.Candidates, Candidate(x))
	}
	return list
}
