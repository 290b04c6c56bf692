package console

import (
	"time"

	"tandem/internal/event"
)

// LogBuffer is `display logbuffer`: entries of the log's buffer, the last one first,
// in the form of VRP's log.
func LogBuffer(sysname string, book event.Book, entries []event.Entry) Display {
	s := newSheet()
	s.fields(0, 0,
		field{"Buffer size", book.Size()},
		field{"Current messages", book.Len()},
		field{"Overwritten messages", book.Overwritten},
		field{"Dropped messages", book.Suppressed},
	)
	s.line("")
	each(s, "entries", entries, func(_ int, e event.Entry) {
		s.line("%s", logLine(e, sysname))
		s.fact("number", e.Number)
		s.fact("time", e.At.Format(time.RFC3339Nano))
		s.fact("module", e.Module)
		s.fact("severity", int(e.Severity))
		s.fact("name", e.Name)
		s.fact("text", e.Text)
		each(s, "fields", e.Fields, func(i int, name string) {
			_, value := e.Field(i)
			s.fact("name", name)
			s.fact("value", value)
		})
	})
	return s.display()
}

// Alarms is `display alarm active`.
func Alarms(alarms []event.Alarm) Display {
	s := newSheet()
	rows := make([][]any, 0, len(alarms))
	for _, a := range alarms {
		rows = append(rows, []any{a.Number, string(a.Severity), a.Since, a.Name, a.Object, a.Detail})
	}
	s.table(0, "alarms", []string{"Sequence", "Severity", "Date Time", "Alarm", "Object", "Detail"}, rows)
	for _, a := range alarms {
		s.line("")
		s.line("%s: %s", a.Name, a.Text)
	}
	return s.display()
}
