package metrics

import (
	"reflect"
	"slices"
	"strings"
	"unicode"

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

// families are all metrics, in the order of their declarations.
var families []*family

// declare declares a metric, or returns the one that several fields are series of.
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

// group is the metrics that the counters of a struct are.
type group struct {
	flat   map[string]*family // by field name
	nested map[string]*family // by name of a field that is a struct
}

// counterGroup declares a metric for each counter of a struct. The fields of a
// struct in it become one metric, told apart by the label given for it in split.
func counterGroup(prefix, of string, sample any, split map[string]string, labels ...string) group {
	g := group{make(map[string]*family), make(map[string]*family)}
	for _, f := range reflect.VisibleFields(reflect.TypeOf(sample)) {
		switch label := split[f.Name]; {
		case !f.IsExported() || f.Anonymous:
		case label != "":
			g.nested[f.Name] = counter(prefix+snake(f.Name), of+": "+words(f.Name)+", by "+label+".", append(slices.Clone(labels), label)...)
		case isCounter(f.Type):
			g.flat[f.Name] = counter(prefix+snake(f.Name), of+": "+words(f.Name)+".", labels...)
		}
	}
	return g
}

// sink is where the metrics of one look go.
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

// state sets one series for each of the states, 1 for the one that holds.
func (s sink) state(f *family, now string, all []string, labels ...string) {
	for _, state := range all {
		s.flag(f, state == now, append(slices.Clone(labels), state)...)
	}
}

// counters sets the metrics of a struct.
func (s sink) counters(g group, of any, labels ...string) {
	v := reflect.ValueOf(of)
	for name, f := range g.flat {
		s.set(f, float64(v.FieldByName(name).Uint()), labels...)
	}
	for name, f := range g.nested {
		inner := v.FieldByName(name)
		for _, field := range reflect.VisibleFields(inner.Type()) {
			if isCounter(field.Type) {
				s.set(f, float64(inner.FieldByIndex(field.Index).Uint()), append(slices.Clone(labels), snake(field.Name))...)
			}
		}
	}
}

// named sets one series for each counter that has a name of its own.
func (s sink) named(f *family, counters map[string]uint64, labels ...string) {
	for name, n := range counters {
		s.set(f, float64(n), append(slices.Clone(labels), name)...)
	}
}

// latencies sets a histogram.
func (s sink) latencies(f *family, h latency.Histogram, labels ...string) {
	buckets, total := make(map[float64]uint64, len(latency.Bounds)), uint64(0)
	for i, bound := range latency.Bounds {
		total += h.Counts[i]
		buckets[bound.Seconds()] = total
	}
	s.out <- prometheus.MustNewConstHistogram(f.desc, h.Count(), h.Sum.Seconds(), buckets, labels...)
}

// snake turns a field's name into a part of a metric's: RecDrop is rec_drop, MLDv1 mldv1.
func snake(name string) string { return strings.ReplaceAll(words(name), " ", "_") }

// words splits a field's name: RecDrop is "rec drop", BadTTL "bad ttl".
func words(name string) string {
	runes := []rune(name)
	var b strings.Builder
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
