package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"
)

// circumstances is what a reader must know to judge a table.
type circumstances struct {
	at     time.Time
	before string // load averages before the run
}

func beginning() circumstances { return circumstances{time.Now(), loadAverage()} }

// String says when and on what machine the run was, and how busy the machine was with other
// work.
func (c circumstances) String() string {
	var u unix.Utsname
	_ = unix.Uname(&u) // cannot fail: the pointer is valid
	return fmt.Sprintf("%s, %d processors, Linux %s, %s; load average %s at the start, %s at the end",
		c.at.UTC().Format("2 January 2006 15:04 UTC"), runtime.NumCPU(), unix.ByteSliceToString(u.Release[:]), runtime.Version(),
		c.before, loadAverage())
}

// loadAverage returns the load average of the last minute.
func loadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(b), " ")
	return first
}

// cells returns the columns of a row, for a table of several figures.
func (r report) cells(l row) []string {
	return []string{r.Figure, l.Name, strings.TrimSpace(number(l.Value) + " " + l.Unit), l.Goal, l.Limit, l.Note}
}

var columns = []string{"figure", "measured", "value", "goal", "limit in this run", "note"}

// summary prints all figures as one table.
func summary(w io.Writer, reports []report, c circumstances) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, strings.Join(columns, "\t"))
	for _, r := range reports {
		for _, l := range r.Rows {
			fmt.Fprintln(tw, strings.Join(r.cells(l), "\t"))
		}
	}
	tw.Flush()
	fmt.Fprintf(w, "\n%v\nmet: %s\nmissed: %s\n", c, names(reports, true), names(reports, false))
}

func names(reports []report, met bool) string {
	var list []string
	for _, r := range reports {
		if r.Met == met {
			list = append(list, r.Figure)
		}
	}
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

// Lines of the page before and after the table.
const (
	tableBegin = "<!-- table: begin -->\n"
	tableEnd   = "<!-- table: end -->\n"
)

// writePage replaces the table in a page.
func writePage(path string, reports []report, c circumstances) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, rest, begins := bytes.Cut(text, []byte(tableBegin))
	_, tail, ends := bytes.Cut(rest, []byte(tableEnd))
	if !begins || !ends {
		return fmt.Errorf("%s: %w", path, errors.New("no lines between which the table goes"))
	}
	var b bytes.Buffer
	b.Write(head)
	b.WriteString(tableBegin)
	fmt.Fprintf(&b, "Measured: %v.\n\n", c)
	fmt.Fprintf(&b, "| %s |\n|%s\n", strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
	for _, r := range reports {
		for _, l := range r.Rows {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(r.cells(l), " | "))
		}
	}
	fmt.Fprintf(&b, "\nMet: %s. Missed: %s.\n", names(reports, true), names(reports, false))
	b.WriteString(tableEnd)
	b.Write(tail)
	return os.WriteFile(path, b.Bytes(), 0o644)
}
