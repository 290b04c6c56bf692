package web

import (
	"context"
	"embed"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/netip"
	"time"

	"tandem/internal/event"
	"tandem/internal/state"
	"tandem/internal/status"
)

// Device provides the data for the page. Its methods may be called from any goroutine.
type Device interface {
	Status() status.Device
	// PeerStatus returns the last status received from the peer, and when it came; the
	// zero time if none has come.
	PeerStatus() (status.Device, time.Time)
	// Reload returns the reasons against a reload of each of the two devices now.
	Reload() status.Reload
	History() []status.Sample
	// GroupNames lists the groups of a downstream interface in no order. Listening
	// returns those of a list that a host wants. GroupStates returns the state of some
	// groups.
	GroupNames(iface string) []netip.Addr
	Listening(iface string, host netip.Addr, groups []netip.Addr) []netip.Addr
	GroupStates(iface string, groups []netip.Addr) []state.Group
	GroupRoutes(group netip.Addr) []state.Route
}

// Journal provides the events.
type Journal interface {
	Book() event.Book
	Follow(ctx context.Context, after uint64) ([]event.Entry, error)
}

//go:embed page
var files embed.FS

// handler answers the HTTP requests for one device.
type handler struct {
	device  Device
	journal Journal
	watch   chan struct{} // has room for one entry for each page that is open
}

// maxWatchers bounds the pages that may be open at once.
const maxWatchers = 64

// Handler returns the handler of the page of a device, and of its metrics.
func Handler(d Device, j Journal, metrics http.Handler) http.Handler {
	h := &handler{d, j, make(chan struct{}, maxWatchers)}
	page, err := fs.Sub(files, "page")
	if err != nil {
		panic(err) // impossible: the page is embedded in the program
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(page))
	mux.HandleFunc("GET /api/live", h.live)
	mux.HandleFunc("GET /api/history", h.history)
	mux.HandleFunc("GET /api/groups", h.groups)
	mux.HandleFunc("GET /api/group", h.group)
	mux.Handle("GET /metrics", metrics)
	return headers(mux)
}

// headers sets the security headers: the page runs only its own scripts, in no frame of
// another page, and is not cached.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // an error means that the client has gone
}

// history returns what a page shows first: the samples of the plots, and the latest
// events.
func (h *handler) history(w http.ResponseWriter, _ *http.Request) {
	book := h.journal.Book()
	answer(w, struct {
		Samples []status.Sample `json:"samples"`
		Events  []line          `json:"events"`
	}{h.device.History(), lines(book.Recent(eventsShown))})
}

const eventsShown = 100

// line is an event in the form of the page.
type line struct {
	Number   uint64 `json:"number"`
	At       int64  `json:"at"`
	Severity int    `json:"severity"`
	Name     string `json:"name"`
	Text     string `json:"text"`
	Facts    string `json:"facts"`
}

func lines(entries []event.Entry) []line {
	list := make([]line, 0, len(entries))
	for _, e := range entries {
		list = append(list, line{e.Number, e.At.UnixMilli(), int(e.Severity), e.Name, e.Text, e.Facts()})
	}
	return list
}
