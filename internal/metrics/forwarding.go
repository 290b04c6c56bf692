package metrics

import (
	"reflect"

	"tandem/internal/bfd"
	"tandem/internal/event"
	"tandem/internal/state"
)

// Listeners and what the kernel forwards to them.
var (
	upstream    = meterOf[state.Upstream]("", "")
	traffic     = meterOf[state.Interface]("", "")
	downstream  = meterOf[state.Downstream]("", "")
	proxy       = meterOf[state.MLDCounted]("", "")
	mldSocket   = meterOf[state.MLDSocket]("mld_socket_", "MLD socket, messages")
	joinLatency = histogram("join_latency_seconds", "Time from reading a report to having the kernel's forwarding entry for it.")

	mfc  = meterOf[state.Forwarding]("mfc_", "Forwarding cache, entries")
	gate = meterOf[state.Gate]("gate_", "")
)

func (s sink) interfaces(snapshot *state.Device) {
	if snapshot.Upstream != nil {
		s.measure(upstream, reflect.ValueOf(*snapshot.Upstream))
	}
	if snapshot.Proxy != nil {
		s.measure(proxy, reflect.ValueOf(*snapshot.Proxy))
	}
	for _, i := range snapshot.Downstream {
		s.measure(downstream, reflect.ValueOf(i))
	}
}

func (s sink) forwarding(snapshot *state.Device) {
	s.latencies(joinLatency, snapshot.Joins)
	s.measure(mldSocket, reflect.ValueOf(snapshot.Socket))
	s.measure(mfc, reflect.ValueOf(snapshot.Forwarding))
	s.measure(gate, reflect.ValueOf(snapshot.Gate))
}

// BFD.
var (
	sessionState    = gauge("bfd_session_state", "1 for the state of the session (RFC 5880, section 6.2).", "session", "state")
	sessionDetect   = gauge("bfd_session_detect_seconds", "Negotiated detection time, 0 while the peer is not heard.", "session")
	sessionFlaps    = counter("bfd_session_flaps", "How often the session left Up.", "session")
	sessionSent     = counter("bfd_session_sent", "Packets sent in the session.", "session")
	sessionReceived = counter("bfd_session_received", "Packets received in the session.", "session")
	bfdCounters     = counterGroup("bfd_", "BFD", bfd.Statistics{}, nil)
	bfdLate         = gauge("bfd_max_late_seconds", "The latest that BFD ever was.")
	bfdStalled      = gauge("bfd_stalled", "1 while sessions are held down, as the daemon does nothing any more.")
)

func (s sink) bfd(sessions []bfd.SessionState, statistics bfd.Statistics) {
	states := []string{bfd.AdminDown.String(), bfd.Down.String(), bfd.Init.String(), bfd.Up.String()}
	for _, b := range sessions {
		s.state(sessionState, b.State.String(), states, b.Name)
		s.set(sessionDetect, b.DetectTime.Seconds(), b.Name)
		s.set(sessionFlaps, float64(b.Flaps), b.Name)
		s.set(sessionSent, float64(b.Sent), b.Name)
		s.set(sessionReceived, float64(b.Received), b.Name)
	}
	s.counters(bfdCounters, statistics)
	s.set(bfdLate, statistics.MaxLate.Seconds())
	s.flag(bfdStalled, statistics.Stalled)
}

// Events and alarms.
var (
	events     = counter("events", "Events (docs/events.md), those left out of the log too.", "module", "name")
	suppressed = counter("log_suppressed", "Events that came too fast to be logged.")
	alarms     = gauge("alarms", "Alarms of the kind that hold.", "alarm", "severity")
)

func (s sink) journal(j Journal) {
	counts := j.Counts()
	for _, k := range event.Kinds() {
		s.set(events, float64(counts[k]), k.Module, k.Name)
	}
	book := j.Book()
	s.set(suppressed, float64(book.Suppressed))
	held := make(map[*event.AlarmKind]int)
	for _, a := range j.Alarms() {
		held[a.AlarmKind]++
	}
	for _, k := range event.AlarmKinds() {
		s.set(alarms, float64(held[k]), k.Name, string(k.Severity))
	}
}
