package manage

import (
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"tandem/internal/console"
)

const (
	// maxSessions bounds the memory that abandoned sessions can use.
	maxSessions = 64
	// idleLimit is how long after its last line a session is closed.
	idleLimit = time.Hour
)

var errNoSession = errors.New("no such session: it has ended or is another user's")

// sessions are the open sessions by ID.
type sessions struct {
	sys *console.System

	mu   sync.Mutex
	byID map[string]*held
}

// held is one session. Its lock makes its lines run one after the other.
type held struct {
	mu      sync.Mutex
	session *console.Session
	uid     uint32
	used    time.Time // when the session was last used; guarded by sessions.mu
}

func newSessions(sys *console.System) *sessions {
	return &sessions{sys: sys, byID: map[string]*held{}}
}

func (s *sessions) open(p peer, interactive bool, now time.Time) (id, prompt string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, h := range s.byID {
		if now.Sub(h.used) > idleLimit {
			delete(s.byID, id)
		}
	}
	if len(s.byID) >= maxSessions {
		return "", "", fmt.Errorf("all %d sessions are in use", maxSessions)
	}
	id = rand.Text()
	h := &held{session: s.sys.NewSession(p.login(interactive)), uid: p.UID, used: now}
	s.byID[id] = h
	return id, h.session.Prompt(), nil
}

// use runs f on the session while no other line of it runs.
func (s *sessions) use(id string, p peer, now time.Time, f func(*console.Session)) error {
	s.mu.Lock()
	h, ok := s.byID[id]
	if !ok || h.uid != p.UID {
		s.mu.Unlock()
		return errNoSession
	}
	h.used = now
	s.mu.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	f(h.session)
	return nil
}

// interrupt ends the line that a session is running.
func (s *sessions) interrupt(id string, p peer) error {
	s.mu.Lock()
	h, ok := s.byID[id]
	s.mu.Unlock()
	if !ok || h.uid != p.UID {
		return errNoSession
	}
	h.session.Interrupt()
	return nil
}

func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, id)
}
