package journal

import (
	"bufio"
	"log/slog"
	"os"
	"strings"
	"testing"

	"tandem/internal/event"
)

// TestSlowLog: a log that nobody reads holds nobody up, and once it is read it says
// how much it lacks.
func TestSlowLog(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	a := newAside(slog.NewTextHandler(w, nil))
	j := New(a)
	const lines = 10 * linesWaiting // several times what the pipe holds
	for i := range lines {
		j.Record(event.GateRepaired.With(i)) // would wait for ever in this goroutine
	}
	read := make(chan int)
	go func() {
		n, text := 0, bufio.NewScanner(r)
		for text.Scan() {
			n++
			if strings.Contains(text.Text(), "LOG_SUPPRESSED") {
				n += 1 << 20
			}
		}
		read <- n
	}()
	j.Flush()
	j.Record(event.GateRepaired.With("the last one"))
	j.Flush()
	w.Close()
	if n := <-read; n < 1<<20 || n-1<<20 >= lines {
		t.Errorf("%d lines are in the log, or it does not say that some are not", n&(1<<20-1))
	}
}
