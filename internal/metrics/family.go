package metrics

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"tandem/internal/latency"
)

// family is a metric with its labels.
type family struct {
	name, help string
	labels     []string
	kind       prometheus.ValueType
	histogram  bool
	desc       *prometheus.Desc
}

// families lists all metrics, in the order of their declarations.
var families []*family

// declare declares a metric. If several fields are series of one metric, it returns the
// metric that the first of them has declared.
func declare(kind prometheus.ValueType, name, help string, labels ...string) *family {
	name = "tandem_" + name
	if at := slices.IndexFunc(families, func(f *family) bool { return f.name == name }); at >= 0 {
		return families[at]
	}
	f := &family{name: name, help: help, labels: labels, kind: kind, desc: prometheus.NewDesc(name, help, labels, nil)}
	families = append(families, f)
	return f
}

func gauge(name, help string, labels ...string) *family {
	return declare(prometheus.GaugeValue, name, help, labels...)
}

func counter(name, help string, labels ...string) *family {
	return declare(prometheus.CounterValue, name+"_total", help, labels...)
}

func histogram(name, help string, labels ...string) *family {
	f := declare(prometheus.UntypedValue, name, help, labels...)
	f.histogram = true
	return f
}

// sink receives the metrics of one snapshot.
type sink struct{ out chan<- prometheus.Metric }

func (s sink) set(f *family, value float64, labels ...string) {
	s.out <- prometheus.MustNewConstMetric(f.desc, f.kind, value, labels...)
}

func (s sink) flag(f *family, on bool, labels ...string) {
	value := 0.0
	if on {
		value = 1
	}
	s.set(f, value, labels...)
}

// state sends one series for each possible state: 1 for the present state, 0 for the
// others.
func (s sink) state(f *family, now string, all []string, labels ...string) {
	for _, state := range all {
		s.flag(f, state == now, append(slices.Clone(labels), state)...)
	}
}

// latencies sends a histogram.
func (s sink) latencies(f *family, h latency.Histogram, labels ...string) {
	buckets, total := make(map[float64]uint64, len(latency.Bounds)), uint64(0)
	for i, bound := range latency.Bounds {
		total += h.Counts[i]
		buckets[bound.Seconds()] = total
	}
	s.out <- prometheus.MustNewConstHistogram(f.desc, h.Count(), h.Sum.Seconds(), buckets, labels...)
}
