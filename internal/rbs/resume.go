package rbs

import (
	"tandem/internal/instant"
	"tandem/internal/latency"
)

// ServiceMemory is what a Service knows for longer than a connection lasts. A new Service that
// is given it goes on in the place of the old one, with a connection of its own.
type ServiceMemory struct {
	Peer      Hello        // of the connection established last, zero before the first
	UpAt      instant.Time // when that was
	LastError string
	Syncs     [2]SyncRecord // of differences; of everything
	Counters  Counters
	Lags      latency.Histogram
	// What changed while there was no connection; the next synchronisation carries it.
	Missed      int
	MissedSince instant.Time
}

// SyncRecord is what is remembered of the synchronisations of a kind.
type SyncRecord struct {
	SyncStats
	Ended instant.Time
}

// Memory returns what a successor needs. What the peer has not acknowledged by now has been
// missed, as the connection ends.
func (s *Service) Memory(now instant.Time) ServiceMemory {
	m := s.kept
	if s.current != nil && s.current.up {
		records, age := s.current.session.Lag(now)
		m.Missed, m.MissedSince, m.LastError = records, now.Add(-age), ""
	}
	return m
}

// Resume makes a Service that has not been configured yet go on as the one whose memory it is given.
func (s *Service) Resume(m ServiceMemory) { s.kept = m }
