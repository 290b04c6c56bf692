package rbs

import (
	"tandem/internal/instant"
	"tandem/internal/latency"
)

// ServiceMemory is the state of a Service that outlives a connection. A new Service that
// resumes from it goes on in place of the old one, with a new connection.
type ServiceMemory struct {
	Peer      Hello        // the HELLO of the connection established last, zero before the first
	UpAt      instant.Time // when that connection was established
	LastError string
	Syncs     [2]SyncRecord // the last synchronisation of differences, and the last of all records
	Counters  Counters
	Lags      latency.Histogram
	// Missed is the number of changes made while there was no connection. The next
	// synchronisation carries them.
	Missed      int
	MissedSince instant.Time
	// Distrust says why a connection from the peer's address was refused at DistrustedAt,
	// because it could not prove that it is the peer's.
	Distrust     string
	DistrustedAt instant.Time
}

// SyncRecord describes the synchronisations of one kind so far.
type SyncRecord struct {
	SyncStats
	Ended instant.Time
}

// Memory returns what a successor needs. The connection ends, so every change that the
// peer has not acknowledged by now is counted in Missed.
func (s *Service) Memory(now instant.Time) ServiceMemory {
	m := s.kept
	if s.current != nil && s.current.up {
		records, age := s.current.session.Lag(now)
		m.Missed, m.MissedSince, m.LastError = records, now.Add(-age), ""
	}
	return m
}

// Resume makes a new Service, which has not been configured yet, go on from the memory of
// an old one.
func (s *Service) Resume(m ServiceMemory) { s.kept = m }
