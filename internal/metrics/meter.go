package metrics

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"tandem/internal/bfd"
	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/latency"
	"tandem/internal/rbs"
)

// meter holds the metrics of a struct of the state. The tags of its fields declare them:
//
//	label   what distinguishes the objects of a list: a label of all metrics of the object
//	metric  the metric's name, without tandem_ and without the _total of a counter. Of a struct
//	        within: what the names of its metrics begin with
//	help    what it is. Of a struct within: what its metrics are of
//	at      a label of this metric alone, with its value: passes=none
//	by      a label that a series for each value has: for each state of which one holds, for each
//	        counter of a struct within
//
// The metric of a text is always 1, and its labels contain the text. A counter inside a
// struct with a metric tag needs no tag of its own: its name gives the metric's name.
type meter struct {
	labels []int // indexes of the fields with a label
	series []series
	parts  []part // structs inside: direct ones, those behind pointers, and lists of them
}

// series says in which field the value of a metric is.
type series struct {
	*family
	field int
	at    []string // labels of this metric alone, and their values
	by    bool
}

// part is a struct inside another one.
type part struct {
	field int
	*meter
}

// scope holds the declarations of the structs around a field.
type scope struct {
	prefix, of string
	labels     []string
}

// meterOf declares the metrics of a struct.
func meterOf(t reflect.Type, in scope) *meter {
	m := &meter{}
	for i := range t.NumField() {
		f := t.Field(i)
		if label := f.Tag.Get("label"); label != "" {
			m.labels, in.labels = append(m.labels, i), append(in.labels[:len(in.labels):len(in.labels)], label)
		}
		switch name, by := f.Tag.Get("metric"), f.Tag.Get("by"); {
		case name == "-":
		case holdsFacts(f.Type) && by == "" && (f.Type.Kind() != reflect.Slice || name == ""):
			within := scope{in.prefix + name, in.of, in.labels}
			if help := f.Tag.Get("help"); help != "" {
				within.of = help
			}
			m.parts = append(m.parts, part{i, meterOf(behind(f.Type), within)})
		case name != "" || in.prefix != "" && (isCounter(f.Type) || by != ""):
			m.series = append(m.series, in.declare(i, f))
		}
	}
	return m
}

// declare declares the metric of a field.
func (in scope) declare(i int, f reflect.StructField) series {
	name, by := f.Tag.Get("metric"), f.Tag.Get("by")
	if name == "" {
		name = strings.ReplaceAll(f.Tag.Get("name"), "-", "_")
	}
	help, labels := f.Tag.Get("help"), slices.Clone(in.labels)
	if help == "" {
		help = in.of + ": " + strings.ReplaceAll(name, "_", " ")
		if by != "" {
			help += ", by " + by
		}
		help += "."
	}
	s := series{field: i, by: by != ""}
	if label, value, ok := strings.Cut(f.Tag.Get("at"), "="); ok {
		labels, s.at = append(labels, label), []string{value}
	}
	if by != "" {
		labels = append(labels, by)
	}
	switch name = in.prefix + name; {
	case f.Type == reflect.TypeFor[latency.Histogram]():
		s.family = histogram(name, help, labels...)
	case isCounter(f.Type), by != "" && holdsFacts(f.Type):
		s.family = counter(name, help, labels...)
	default:
		s.family = gauge(name, help, labels...)
	}
	return s
}

func isCounter(t reflect.Type) bool { return t.Kind() == reflect.Uint64 }

// behind returns the element type of a list or pointer.
func behind(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// holdsFacts reports whether a field is a struct with fields of the state.
func holdsFacts(t reflect.Type) bool {
	t = behind(t)
	if t.Kind() != reflect.Struct {
		return false
	}
	for i := range t.NumField() {
		if f := t.Field(i); f.Tag.Get("name") != "" || f.Anonymous {
			return true
		}
	}
	return false
}

// states lists the possible values of each type that is a state.
var states = map[reflect.Type][]string{
	reflect.TypeFor[etrunk.DeviceRole](): spelt(etrunk.DeviceInit, etrunk.DeviceBackup, etrunk.DeviceMaster),
	reflect.TypeFor[etrunk.MemberRole](): spelt(etrunk.MemberBackup, etrunk.MemberMaster),
	reflect.TypeFor[rbs.TCPState]():      spelt(rbs.Initial, rbs.Listening, rbs.Connecting, rbs.Connected),
	reflect.TypeFor[bfd.State]():         spelt(bfd.AdminDown, bfd.Down, bfd.Init, bfd.Up),
	reflect.TypeFor[device.DutyKind]():   spelt(device.DutyNone, device.DutyShared, device.DutySole),
}

func spelt[T fmt.Stringer](values ...T) (list []string) {
	for _, v := range values {
		list = append(list, v.String())
	}
	return list
}

// measure sends the metrics of a struct.
func (s sink) measure(m *meter, v reflect.Value, labels ...string) {
	for _, i := range m.labels {
		labels = append(slices.Clip(labels), fmt.Sprint(v.Field(i).Interface()))
	}
	for _, r := range m.series {
		s.read(r, v.Field(r.field), append(slices.Clip(labels), r.at...))
	}
	for _, p := range m.parts {
		switch f := v.Field(p.field); f.Kind() {
		case reflect.Slice:
			for i := range f.Len() {
				s.measure(p.meter, f.Index(i), labels...)
			}
		case reflect.Pointer:
			if !f.IsNil() {
				s.measure(p.meter, f.Elem(), labels...)
			}
		default:
			s.measure(p.meter, f, labels...)
		}
	}
}

// read sends the metric of a field.
func (s sink) read(r series, v reflect.Value, labels []string) {
	if r.by && v.Kind() == reflect.Struct {
		for i := range v.NumField() {
			name := strings.ReplaceAll(v.Type().Field(i).Tag.Get("name"), "-", "_")
			s.set(r.family, float64(v.Field(i).Uint()), append(slices.Clip(labels), name)...)
		}
		return
	}
	if covers, ok := v.Interface().(etrunk.Buckets); ok && r.by {
		for bucket := range 2 {
			s.flag(r.family, covers.Has(bucket), append(slices.Clip(labels), fmt.Sprint(bucket))...)
		}
		return
	}
	if r.by {
		s.state(r.family, fmt.Sprint(v.Interface()), states[v.Type()], labels...)
		return
	}
	switch x := v.Interface().(type) {
	case latency.Histogram:
		s.latencies(r.family, x, labels...)
	case time.Duration:
		s.set(r.family, x.Seconds(), labels...)
	case string:
		s.set(r.family, 1, labels...)
	case bool:
		s.flag(r.family, x, labels...)
	case *bool:
		s.flag(r.family, x != nil && *x, labels...)
	default:
		s.set(r.family, amount(v), labels...)
	}
}

// amount returns a number as it is; for a list it returns the length.
func amount(v reflect.Value) float64 {
	switch {
	case v.Kind() == reflect.Slice:
		return float64(v.Len())
	case v.CanUint():
		return float64(v.Uint())
	}
	return float64(v.Int())
}
