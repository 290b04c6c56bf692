package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"tandem/internal/config"
	"tandem/internal/crowd"
	"tandem/internal/event"
	"tandem/internal/journal"
	"tandem/internal/state"
	"tandem/internal/task"
)

const (
	// lookInterval is the time between two checks of the configuration. retryInterval is
	// the time between two attempts to listen on an address.
	lookInterval  = 250 * time.Millisecond
	retryInterval = 5 * time.Second
	// maxConnections bounds the connections to the web page.
	maxConnections = 128
	headerTimeout  = 5 * time.Second
	idleTimeout    = 2 * time.Minute
)

// Server serves the web page on the configured address.
type Server struct {
	handler http.Handler
	journal *journal.Journal
	running func() *config.Model // returns the configuration in force

	mu    sync.Mutex
	at    config.HTTPServer // the address on which it listens, or last tried to listen
	err   error             // why it does not listen
	tryAt time.Time
	http  *http.Server
}

// NewServer returns a server that does not listen yet.
func NewServer(h http.Handler, j *journal.Journal, running func() *config.Model) *Server {
	return &Server{handler: h, journal: j, running: running}
}

// State returns the state of the server, for displays.
func (s *Server) State() state.HTTPServer {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := state.HTTPServer{Enabled: s.at.Enabled, Address: s.at.Address, Port: s.at.Port}
	if s.err != nil {
		h.LastError = s.err.Error()
	}
	return h
}

// Run serves until ctx ends, and then returns nil. If it cannot listen on the address, it
// logs this and tries again: a router must not end because of its web page.
func (s *Server) Run(ctx context.Context) error {
	s.reconcile(s.running().HTTP)
	for task.Pause(ctx, lookInterval) {
		s.reconcile(s.running().HTTP)
	}
	s.reconcile(config.HTTPServer{})
	return nil
}

// reconcile makes the server listen as configured.
func (s *Server) reconcile(want config.HTTPServer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if want == s.at && (s.err == nil || time.Now().Before(s.tryAt)) {
		return
	}
	if s.http != nil {
		_ = s.http.Close() // this closes the connections, too, so that clients cannot go on reading where the configuration forbids it
		s.http = nil
	}
	told := want == s.at // this address has failed before, so the failure has been logged
	s.at, s.err = want, nil
	if !want.Enabled {
		return
	}
	l, err := net.Listen("tcp", netip.AddrPortFrom(want.Address, want.Port).String())
	if err != nil {
		s.err, s.tryAt = err, time.Now().Add(retryInterval)
		if !told {
			s.journal.Emit(event.HTTPNotListening.With(want.Address, want.Port, err))
		}
		return
	}
	s.journal.Emit(event.HTTPListening.With(want.Address, want.Port))
	s.http = &http.Server{
		Handler: onlyLocal(want.Address, s.handler), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: 16 << 10, ErrorLog: s.journal.Logger(event.HTTPError),
	}
	go func(server *http.Server) {
		if err := server.Serve(crowd.Listen(l, maxConnections)); !errors.Is(err, http.ErrServerClosed) {
			s.failed(server, err)
		}
	}(s.http)
}

// failed records that a server has ended by itself.
func (s *Server) failed(server *http.Server, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.http == server {
		s.http, s.err, s.tryAt = nil, fmt.Errorf("serve: %w", err), time.Now().Add(retryInterval)
		s.journal.Emit(event.HTTPNotListening.With(s.at.Address, s.at.Port, err))
	}
}

// onlyLocal refuses requests with another host name if the server listens on a loopback
// address. Otherwise a foreign web page whose name resolves to that address could read
// the data (DNS rebinding).
func onlyLocal(at netip.Addr, next http.Handler) http.Handler {
	if !at.IsLoopback() {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if addr, err := netip.ParseAddr(trimBrackets(host)); host != "localhost" && (err != nil || !addr.IsLoopback()) {
			http.Error(w, "this server is for "+at.String()+" and localhost", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func trimBrackets(host string) string {
	if len(host) > 1 && host[0] == '[' {
		return host[1 : len(host)-1]
	}
	return host
}
