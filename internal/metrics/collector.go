// Package metrics exports the state of a device to Prometheus. All metrics derive from
// the tags of [state.Measured] and of the structs within it. So a counter that a core
// adds there becomes a metric without a change here. docs/metrics.md lists all metrics.
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

// Device provides the state for the metrics. Its methods may be called from any
// goroutine.
type Device interface {
	Snapshot() state.Device
	Interfaces() []state.Interface
	BFD() []state.BFDSession
	BFDStatistics() state.BFDStatistics
}

// Journal provides the counts of the device's events.
type Journal interface {
	Counts() map[*event.Kind]uint64
	Alarms() []event.Alarm
	Book() event.Book
}

// collector makes all metrics of a device from one snapshot.
type collector struct {
	device  Device
	journal Journal
	build   state.Build
}

// Handler returns the handler for the metrics of a device and of its process.
func Handler(d Device, j Journal, build state.Build) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector{d, j, build}, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// all declares the metrics of a device.
var all = meterOf(reflect.TypeFor[state.Measured](), scope{})

// Describe implements [prometheus.Collector].
func (c collector) Describe(out chan<- *prometheus.Desc) {
	for _, f := range families {
		out <- f.desc
	}
}

// Collect implements [prometheus.Collector].
func (c collector) Collect(out chan<- prometheus.Metric) {
	book := c.journal.Book()
	sink{out}.measure(all, reflect.ValueOf(state.Measured{
		Program: c.build, Device: c.device.Snapshot(), Interfaces: state.Interfaces{Interfaces: c.device.Interfaces()},
		BFD: c.device.BFD(), Counts: c.device.BFDStatistics(),
		Log: state.LogOf(&book, nil), Events: state.EventCountsOf(c.journal.Counts()), Alarms: state.AlarmCountsOf(c.journal.Alarms()),
	}))
}
