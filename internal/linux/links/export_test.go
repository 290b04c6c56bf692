package links

// Resyncs counts how often the kernel has dropped messages and everything was listed again.
func (m *Monitor) Resyncs() uint64 { return m.resync.Load() }
