package links

// Resyncs counts how often the kernel dropped messages and all was listed anew.
func (m *Monitor) Resyncs() uint64 { return m.resync.Load() }
