package bfdloop

import "time"

// Stolen reports to the sessions of a loop without a helper that a processor could not
// run for d.
func (l *Loop) Stolen(d time.Duration) { l.backend.(*thread).stolen(d) }

// Abandon makes the helper believe that its parent has died.
func (l *Loop) Abandon() {
	h := l.backend.(*helper)
	h.mu.Lock()
	defer h.mu.Unlock()
	_ = h.conn.Close()
}
