package journal

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tandem/internal/event"
)

// TestRates: an event that repeats fast is suppressed, other events are not, and the log
// gives the number of suppressed events.
func TestRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		j := New(slog.NewTextHandler(&text, nil))
		for i := range 1000 {
			j.Emit(event.RouteNotSet.With("2001:db8::1", "ff3e::1", false, i))
		}
		j.Emit(event.GateRepaired.With(1))
		book := j.Book()
		if book.Len() != burst+1 || book.Suppressed != 1000-burst {
			t.Errorf("%d entries, %d suppressed", book.Len(), book.Suppressed)
		}
		if n := j.Counts()[event.RouteNotSet]; n != 1000 {
			t.Errorf("%d counted", n)
		}
		time.Sleep(3 * pause)
		text.Reset()
		for range 1000 {
			j.Emit(event.RouteNotSet.With("2001:db8::1", "ff3e::1", false, "no"))
		}
		lines := strings.Split(strings.TrimSpace(text.String()), "\n")
		if len(lines) != 4 || !strings.Contains(lines[0], "LOG_SUPPRESSED module=SYSTEM Name=ENTRY_NOT_SET Times=980") ||
			!strings.Contains(lines[1], "level=ERROR msg=ENTRY_NOT_SET module=MFIB Source=2001:db8::1 Group=ff3e::1 Delete=false Error=no") {
			t.Errorf("logged:\n%s", strings.Join(lines, "\n"))
		}
	})
}

// TestFollow: a caller of Follow gets each event once, in order, and returns when the
// context ends.
func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := New(slog.DiscardHandler)
		ctx, stop := context.WithCancel(t.Context())
		got := make(chan []event.Entry)
		go func() {
			defer close(got)
			for after := uint64(0); ; {
				entries, err := j.Follow(ctx, after)
				if err != nil {
					return
				}
				after = entries[len(entries)-1].Number
				got <- entries
			}
		}()
		synctest.Wait()
		for n := uint64(1); n <= 3; n++ {
			j.Emit(event.GateRepaired.With(n))
			if e := <-got; len(e) != 1 || e[0].Number != n {
				t.Errorf("%v, want entry %d", e, n)
			}
		}
		stop()
		if e, open := <-got; open {
			t.Errorf("%v after the end", e)
		}
		if e, err := j.Follow(t.Context(), 1); err != nil || len(e) != 2 || e[0].Number != 2 {
			t.Errorf("behind the first: %v, %v", e, err)
		}
	})
}

// TestAlarmsAreLogged: the events that raise and clear alarms are in the buffer, too.
func TestAlarmsAreLogged(t *testing.T) {
	j := New(slog.DiscardHandler)
	j.Update([]event.Condition{{AlarmKind: event.UpstreamDown, Object: "up0"}})
	if len(j.Alarms()) != 1 {
		t.Errorf("alarms: %v", j.Alarms())
	}
	j.Update(nil)
	book := j.Book()
	entries := book.Recent(5)
	if len(entries) != 2 || entries[0].Kind != event.AlarmCleared || entries[1].Kind != event.AlarmRaised || len(j.Alarms()) != 0 {
		t.Errorf("entries: %v", entries)
	}
}

// TestLogger: a line that a server of the standard library logs becomes an event.
func TestLogger(t *testing.T) {
	j := New(slog.DiscardHandler)
	j.Logger(event.HTTPError).Printf("http: TLS handshake error from %s", "::1")
	book := j.Book()
	if got := book.Recent(1)[0].Facts(); got != `Error="http: TLS handshake error from ::1"` {
		t.Error(got)
	}
}
