// Package metrics shows a device to Prometheus. Counters are found by the fields
// of the structs that the displays show, so a counter that a core adds is a metric
// without another line here, under the name that the display gives it.
// docs/metrics.md lists them all.
package metrics

import (
	"net/http"
	"reflect"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tandem/internal/event"
	"tandem/internal/state"
)

// Device is what is measured. The methods may be called from any goroutine.
type Device interface {
	Snapshot() state.Device
	Interfaces() []state.Interface
	BFD() []state.BFDSession
	BFDStatistics() state.BFDStatistics
}

// Journal is where the events of the device are counted.
type Journal interface {
	Counts() map[*event.Kind]uint64
	Alarms() []event.Alarm
	Book() event.Book
}

// collector makes all metrics of a device of one look at it.
type collector struct {
	device  Device
	journal Journal
	build   state.Build
}

// Handler answers with the metrics of a device and of its process.
func Handler(d Device, j Journal, build state.Build) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector{d, j, build}, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// Describe implements [prometheus.Collector].
func (c collector) Describe(out chan<- *prometheus.Desc) {
	for _, f := range families {
		out <- f.desc
	}
}

// Collect implements [prometheus.Collector].
func (c collector) Collect(out chan<- prometheus.Metric) {
	s := sink{out}
	snapshot := c.device.Snapshot()
	s.set(buildInfo, 1, c.build.Version, c.build.Revision, c.build.Go)
	s.set(uptime, snapshot.Uptime.Seconds())
	s.named(deviceCounters, snapshot.Ignored)
	for _, t := range snapshot.ETrunks {
		s.measure(trunks, reflect.ValueOf(t))
	}
	for _, r := range snapshot.Services {
		s.measure(services, reflect.ValueOf(r))
	}
	for _, p := range snapshot.Profiles {
		s.measure(profiles, reflect.ValueOf(p))
	}
	s.interfaces(&snapshot)
	s.forwarding(&snapshot)
	for _, i := range c.device.Interfaces() {
		s.measure(traffic, reflect.ValueOf(i))
	}
	for _, b := range c.device.BFD() {
		s.measure(bfdSessions, reflect.ValueOf(b))
	}
	s.measure(bfdStatistics, reflect.ValueOf(c.device.BFDStatistics()))
	s.journal(c.journal)
}
