package metrics

import (
	"reflect"

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
	bfdSessions   = meterOf[state.BFDSession]("", "")
	bfdStatistics = meterOf[state.BFDStatistics]("bfd_", "BFD")
)

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
