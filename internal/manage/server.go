package manage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"strconv"
	"time"

	"tandem/internal/config"
	"tandem/internal/console"
	"tandem/internal/event"
	"tandem/internal/journal"
)

// Limits on what a client may use.
const (
	maxBody       = 64 << 10           // a line is at most 4096 characters
	maxLoad       = 4 * config.MaxText // in JSON a character may take several bytes
	headerTimeout = 5 * time.Second
	stopTimeout   = 2 * time.Second
)

// Serve serves the console on l until ctx ends, and then returns nil. It closes l.
func Serve(ctx context.Context, l net.Listener, sys *console.System, j *journal.Journal) error {
	srv := &http.Server{
		Handler:           newHandler(sys, j),
		ReadHeaderTimeout: headerTimeout,
		ConnContext:       identify(j),
		ErrorLog:          j.Logger(event.HTTPError),
		BaseContext:       func(net.Listener) context.Context { return ctx }, // so that requests that wait for log events end with ctx
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("console socket: %w", err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := srv.Shutdown(stop); err != nil {
		srv.Close()
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("console socket: %w", err)
	}
	return nil
}

// identify asks the kernel which user has connected, and logs it.
func identify(j *journal.Journal) func(context.Context, net.Conn) context.Context {
	return func(ctx context.Context, c net.Conn) context.Context {
		p, err := peerOf(c)
		if err != nil {
			j.Emit(event.ConsoleUnknown.With(err))
			return ctx
		}
		// This goes only to the log file. Otherwise a program that polls would push all
		// other events out of the buffer.
		j.Record(event.ConsoleConnected.With(p.UID, p.GID, p.PID))
		return withPeer(ctx, p)
	}
}

// handler serves the HTTP requests.
type handler struct {
	sessions *sessions
	journal  *journal.Journal
}

func newHandler(sys *console.System, j *journal.Journal) http.Handler {
	h := &handler{sessions: newSessions(sys), journal: j}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/sessions", h.open)
	mux.HandleFunc("POST /v1/sessions/{id}/exec", h.exec)
	mux.HandleFunc("POST /v1/sessions/{id}/load", h.load)
	mux.HandleFunc("POST /v1/sessions/{id}/complete", h.complete)
	mux.HandleFunc("POST /v1/sessions/{id}/interrupt", h.interrupt)
	mux.HandleFunc("DELETE /v1/sessions/{id}", h.close)
	mux.HandleFunc("GET /v1/log", h.follow)
	mux.HandleFunc("GET /v1/recording", h.record)
	// Profiles of the daemon's processor time and memory. The mode of the socket file
	// decides who may read them.
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	return mux
}

func (h *handler) open(w http.ResponseWriter, r *http.Request) {
	var req openRequest
	peer, ok := h.accept(w, r, &req)
	if !ok {
		return
	}
	id, prompt, err := h.sessions.open(peer, req.Interactive, time.Now())
	if err != nil {
		answerError(w, http.StatusServiceUnavailable, err)
		return
	}
	tell := h.journal.Emit
	if !req.Interactive {
		tell = h.journal.Record
	}
	tell(event.ConsoleOpened.With(peer.name(), peer.PID, req.Interactive))
	answer(w, openReply{ID: id, Prompt: prompt})
}

// record sends the recording of the device's latest inputs.
func (h *handler) record(w http.ResponseWriter, _ *http.Request) {
	record := h.sessions.sys.Record
	if record == nil {
		answerError(w, http.StatusNotFound, errors.New("this daemon records nothing"))
		return
	}
	var b bytes.Buffer
	if err := record(&b); err != nil {
		answerError(w, http.StatusServiceUnavailable, err)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = b.WriteTo(w) // an error means that the client is gone
}

func (h *handler) exec(w http.ResponseWriter, r *http.Request) {
	var req lineRequest
	h.turn(w, r, maxBody, &req, func(s *console.Session) console.Result {
		s.JSON = req.JSON
		return s.Exec(req.Line)
	})
}

func (h *handler) load(w http.ResponseWriter, r *http.Request) {
	var req loadRequest
	h.turn(w, r, maxLoad, &req, func(s *console.Session) console.Result {
		return s.Load(req.Text, req.Replace, req.Compare)
	})
}

// turn reads a request of at most limit bytes, runs it on a session, and sends the result.
func (h *handler) turn(w http.ResponseWriter, r *http.Request, limit int64, request any, do func(*console.Session) console.Result) {
	peer, ok := h.acceptUpTo(limit, w, r, request)
	if !ok {
		return
	}
	id := r.PathValue("id")
	var reply Reply
	err := h.sessions.use(id, peer, time.Now(), func(s *console.Session) { reply = replyOf(s, do(s)) })
	if err != nil {
		answerError(w, http.StatusNotFound, err)
		return
	}
	if reply.Closed {
		h.sessions.end(id)
	}
	answer(w, reply)
}

func (h *handler) complete(w http.ResponseWriter, r *http.Request) {
	var req lineRequest
	peer, ok := h.accept(w, r, &req)
	if !ok {
		return
	}
	var reply Completion
	err := h.sessions.use(r.PathValue("id"), peer, time.Now(), func(s *console.Session) {
		reply = completionOf(s.Complete(req.Line))
	})
	if err != nil {
		answerError(w, http.StatusNotFound, err)
		return
	}
	answer(w, reply)
}

func (h *handler) interrupt(w http.ResponseWriter, r *http.Request) {
	peer, ok := peerFrom(r.Context())
	if !ok || h.sessions.interrupt(r.PathValue("id"), peer) != nil {
		answerError(w, http.StatusNotFound, errNoSession)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (h *handler) close(w http.ResponseWriter, r *http.Request) {
	peer, ok := peerFrom(r.Context())
	id := r.PathValue("id")
	if !ok || h.sessions.use(id, peer, time.Now(), func(*console.Session) {}) != nil {
		answerError(w, http.StatusNotFound, errNoSession)
		return
	}
	h.sessions.end(id)
	w.WriteHeader(http.StatusNoContent)
}

// follow waits for events that are newer than the number in the request.
func (h *handler) follow(w http.ResponseWriter, r *http.Request) {
	after, err := strconv.ParseUint(r.FormValue("after"), 10, 64)
	if err != nil {
		answerError(w, http.StatusBadRequest, fmt.Errorf("after: %w", err))
		return
	}
	text, last, err := h.sessions.sys.Follow(r.Context(), after)
	if err != nil {
		answerError(w, http.StatusServiceUnavailable, err)
		return
	}
	answer(w, LogReply{text, last})
}

// accept reads a request. If it returns false, it has already sent an error to the client.
func (h *handler) accept(w http.ResponseWriter, r *http.Request, into any) (peer, bool) {
	return h.acceptUpTo(maxBody, w, r, into)
}

func (h *handler) acceptUpTo(limit int64, w http.ResponseWriter, r *http.Request, into any) (peer, bool) {
	p, ok := peerFrom(r.Context())
	if !ok {
		answerError(w, http.StatusForbidden, errors.New("the kernel does not say who you are"))
		return peer{}, false
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, limit)).Decode(into); err != nil {
		answerError(w, http.StatusBadRequest, fmt.Errorf("request: %w", err))
		return peer{}, false
	}
	return p, true
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	// If this fails, the client is gone, which is not an error of the daemon.
	_ = json.NewEncoder(w).Encode(body)
}

func answerError(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(failure{err.Error()})
}
