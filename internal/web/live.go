package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"tandem/internal/event"
	"tandem/internal/status"
)

const (
	// liveInterval is the time between two messages to a page if no event occurs. liveGap
	// is the shortest time between two messages if many occur.
	liveInterval = time.Second
	liveGap      = 100 * time.Millisecond
	writeTimeout = 10 * time.Second
)

// glance is one message to a page.
type glance struct {
	Self status.Device `json:"self"`
	// Peer is the last status received from the peer, null if none has come. PeerAge is
	// its age in milliseconds.
	Peer    *status.Device  `json:"peer"`
	PeerAge int64           `json:"peerAge"`
	Reload  status.Reload   `json:"reload"`
	Samples []status.Sample `json:"samples"` // samples since the last message
	Events  []line          `json:"events"`  // events since the last message, the oldest first
}

// live sends the status of the devices to a page, repeatedly, and at once after an event.
func (h *handler) live(w http.ResponseWriter, r *http.Request) {
	select {
	case h.watch <- struct{}{}:
		defer func() { <-h.watch }()
	default:
		http.Error(w, fmt.Sprintf("%d pages are open already", maxWatchers), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	book := h.journal.Book()
	number := uint64(0)
	if latest := book.Recent(1); len(latest) > 0 {
		number = latest[0].Number
	}
	var sampled int64 // time of the last sample that was sent
	if samples := h.device.History(); len(samples) > 0 {
		sampled = samples[len(samples)-1].At
	}
	var news []event.Entry
	for {
		g := h.glance(sampled, news)
		if n := len(g.Samples); n > 0 {
			sampled = g.Samples[n-1].At
		}
		if !send(w, g) {
			return
		}
		if news = h.next(r.Context(), number); len(news) > 0 {
			number = news[len(news)-1].Number
		}
		if r.Context().Err() != nil {
			return
		}
	}
}

// next waits for events, at most for liveInterval.
func (h *handler) next(ctx context.Context, after uint64) []event.Entry {
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, liveInterval)
	defer cancel()
	news, _ := h.journal.Follow(limited, after) // an error means that no event came in time
	select {
	case <-time.After(liveGap - time.Since(began)):
	case <-ctx.Done():
	}
	return news
}

func (h *handler) glance(sampled int64, news []event.Entry) glance {
	g := glance{Self: h.device.Status(), Reload: h.device.Reload(), Samples: []status.Sample{}, Events: lines(news)}
	if peer, at := h.device.PeerStatus(); !at.IsZero() {
		g.Peer, g.PeerAge = &peer, time.Since(at).Milliseconds()
	}
	for _, s := range h.device.History() {
		if s.At > sampled {
			g.Samples = append(g.Samples, s)
		}
	}
	return g
}

// send writes one server-sent event (HTML, section 9.2). It returns false if the page has
// gone.
func send(w http.ResponseWriter, g glance) bool {
	b, err := json.Marshal(g)
	if err != nil {
		return false
	}
	out := http.NewResponseController(w)
	_ = out.SetWriteDeadline(time.Now().Add(writeTimeout)) // ends the connection to a page that does not read
	if _, err := fmt.Fprintf(w, "data: %s\n\n", b); err != nil {
		return false
	}
	return out.Flush() == nil
}
