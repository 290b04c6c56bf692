package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"
)

// figure is one figure and its measurement.
type figure struct {
	id    string
	about string
	goal  string
	unit  string
	run   func(*run) (outcome, error)
}

// figures lists them in the order in which they are run and printed.
var figures = []figure{
	figure1, figure2, figure3, figure4, figure5, figure6, figure7, figure8, figure9, figure10, figure11, figure12,
}

// outcome is the result of a measurement.
type outcome struct {
	// Value is the figure in its unit. If there are several, it is the one to which the
	// goal refers.
	Value float64
	Met   bool
	Rows  []row
}

// row is one line of a figure's table.
type row struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Goal  string  `json:"goal,omitempty"`
	// Limit is the result of the kernel alone, or of a bare receiver, in this run.
	Limit string `json:"limit,omitempty"`
	Note  string `json:"note,omitempty"`
}

// report is an outcome in the form that -json writes.
type report struct {
	Figure string  `json:"figure"`
	About  string  `json:"about"`
	Goal   string  `json:"goal"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
	Met    bool    `json:"met"`
	Rows   []row   `json:"rows"`
}

func (f figure) report(o outcome) report {
	for i := range o.Rows {
		o.Rows[i].Value = round(o.Rows[i].Value)
	}
	return report{f.id, f.about, f.goal, round(o.Value), f.unit, o.Met, o.Rows}
}

// round rounds to three significant digits. The measurements are not more precise.
func round(v float64) float64 {
	if v == 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0
	}
	scale := math.Pow(10, 2-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}

// number formats a value without an exponent and with separated thousands.
func number(v float64) string {
	v = round(v)
	if v < 10_000 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	digits := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func (r report) print(w io.Writer) {
	met := "met"
	if !r.Met {
		met = "MISSED"
	}
	fmt.Fprintf(w, "%s  %s\n    goal %s: %s\n", r.Figure, r.About, r.Goal, met)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "    measured\tvalue\tgoal\tlimit in this run\tnote")
	for _, l := range r.Rows {
		fmt.Fprintf(tw, "    %s\t%s %s\t%s\t%s\t%s\n", l.Name, number(l.Value), l.Unit, l.Goal, l.Limit, l.Note)
	}
	tw.Flush()
	fmt.Fprintln(w)
}

func (r report) save(path string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

// times are measured durations.
type times []time.Duration

// quantile returns the smallest sample that is not less than a share q of all samples, 0
// without samples.
func (t times) quantile(q float64) time.Duration {
	if len(t) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(t))
	return s[min(max(int(math.Ceil(q*float64(len(s))))-1, 0), len(s)-1)]
}

func (t times) median() time.Duration { return t.quantile(0.5) }
func (t times) max() time.Duration    { return t.quantile(1) }

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
func us(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
