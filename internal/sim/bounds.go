package sim

import (
	"time"

	"tandem/internal/rbs"
)

// Limits on what may accumulate in the devices and between them.
const (
	maxChunk  = 1 << 16
	maxEvents = 5000 // scheduled events
	maxConns  = 8    // open connections of one device
)

// checkBounds checks once a second the amounts that can grow only slowly.
func (w *World) checkBounds() {
	if w.resting && len(w.queue) == 0 {
		return
	}
	// Each host may have a record of each stream, and each stream may have a leave record.
	most := (len(w.hosts) + vlans) * len(w.streams)
	queriers := 0
	for _, n := range w.nodes {
		if !n.alive() {
			continue
		}
		snap := n.snapshot()
		records, tombstones := 0, 0
		for _, p := range snap.Profiles {
			records += p.Records
			tombstones += p.Tombstones
		}
		lag := 0 // without a connection the value counts changes, not waiting records
		if snap.Services[0].TCP == rbs.Connected {
			lag = snap.Services[0].LagRecords
		}
		if records+tombstones > most || lag > 4*most || len(n.conns) > maxConns {
			w.violated("%s holds %d records and %d tombstones (limit %d), %d not acknowledged, %d connections",
				n.name, records, tombstones, most, lag, len(n.conns))
		}
		if d := snap.Services[0].Counters.Divergences; d > 0 {
			w.violated("%s has found the databases different %d times", n.name, d)
		}
		if n.duty().Querier {
			queriers++
		}
	}
	if len(w.queue) > maxEvents {
		w.violated("%d events are waiting to happen", len(w.queue))
	}
	if w.healthy() && queriers != 1 {
		w.violated("%d devices have the duty to query", queriers)
	}
	w.after(time.Second, w.checkBounds)
}
