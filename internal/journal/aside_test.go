package journal

import (
	"bufio"
	"log/slog"
	"os"
	"strings"
	"testing"

	"tandem/internal/event"
)

// TestSlowLog: a log without a reader does not block the program. When it is read again,
// it says how many lines are missing.
func TestSlowLog(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	a := newAside(slog.NewTextHandler(w, nil))
	j := New(a)
	const lines = 10 * linesWaiting // several times as much as the pipe holds
	for i := range lines {
		j.Record(event.GateRepaired.With(i)) // would block this goroutine for ever
	}
	var written, told int
	read := make(chan struct{})
	go func() {
		defer close(read)
		for text := bufio.NewScanner(r); text.Scan(); written++ {
			if strings.Contains(text.Text(), "LOG_SUPPRESSED") {
				told++
			}
		}
	}()
	j.Flush()
	j.Record(event.GateRepaired.With("the last one"))
	j.Flush()
	w.Close()
	if <-read; told == 0 || written >= lines {
		t.Errorf("%d lines are in the log, which says %d times that some are not", written, told)
	}
}
