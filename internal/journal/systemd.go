package journal

import (
	"context"
	"log/slog"
	"os"
	"strings"

	systemd "github.com/coreos/go-systemd/v22/journal"
)

// Handler returns the log of a daemon. If standard error leads to systemd's journal, it
// writes to that, with a field for each field of an event. Otherwise it writes lines of
// text to standard error. Neither blocks the daemon; see [Journal.Flush].
func Handler(least slog.Level) slog.Handler {
	if ok, err := systemd.StderrIsJournalStream(); ok && err == nil && systemd.Enabled() {
		return newAside(journald{least})
	}
	return newAside(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: least}))
}

// journald sends records to systemd's journal.
type journald struct{ least slog.Level }

// Enabled implements [slog.Handler].
func (h journald) Enabled(_ context.Context, l slog.Level) bool { return l >= h.least }

// WithAttrs implements [slog.Handler]. A Journal does not use it.
func (h journald) WithAttrs([]slog.Attr) slog.Handler { return h }

// WithGroup implements [slog.Handler]. A Journal does not use it.
func (h journald) WithGroup(string) slog.Handler { return h }

// Handle implements [slog.Handler]. The fields have a prefix, so that none has the name
// of a field of systemd's journal (systemd.journal-fields(7)).
func (h journald) Handle(_ context.Context, r slog.Record) error {
	fields := map[string]string{"TANDEM_EVENT": r.Message, "SYSLOG_IDENTIFIER": "tandemd"}
	var words []string
	r.Attrs(func(a slog.Attr) bool {
		fields["TANDEM_"+strings.ToUpper(a.Key)] = a.Value.String()
		if a.Key != moduleKey {
			words = append(words, a.Key+"="+a.Value.String())
		}
		return true
	})
	return systemd.Send(r.Message+": "+strings.Join(words, ", "), priority(r.Level), fields)
}

func priority(l slog.Level) systemd.Priority {
	switch {
	case l >= slog.LevelError:
		return systemd.PriErr
	case l >= slog.LevelWarn:
		return systemd.PriWarning
	}
	return systemd.PriInfo
}
