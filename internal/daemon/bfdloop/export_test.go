package bfdloop

// Abandon makes the helper believe that its parent has died.
func (l *Loop) Abandon() {
	h := l.backend.(*helper)
	h.mu.Lock()
	defer h.mu.Unlock()
	_ = h.conn.Close()
}
