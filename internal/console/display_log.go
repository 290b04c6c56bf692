package console

import (
	"tandem/internal/event"
	"tandem/internal/state"
)

// logBufferDisplay is `display logbuffer`: messages from the log's buffer, the latest
// first, in the form of VRP's log.
func logBufferDisplay(sysname string, book *event.Book, entries []event.Entry) Display {
	l := state.LogOf(book, entries)
	s := sheetOf(&l)
	s.fields(0, 0,
		field{"Buffer size", &l.Size},
		field{"Current messages", &l.Messages},
		field{"Overwritten messages", &l.Overwritten},
		field{"Dropped messages", &l.Suppressed},
	)
	s.line("")
	list(s, &l.Entries, func(i int, e *state.LogEntry) {
		s.line("%s", logLine(entries[i], sysname))
		s.record(&e.Number, &e.At, &e.Module, &e.Severity, &e.Name, &e.Text)
		list(s, &e.Fields, func(_ int, f *state.LogField) { s.record(&f.Name, &f.Value) })
	})
	return s.display()
}

// alarmsDisplay is `display alarm active`.
func alarmsDisplay(alarms []state.Alarm) Display {
	all := state.Alarms{Alarms: alarms}
	s := sheetOf(&all)
	rows(s, 0, &all.Alarms, func(a *state.Alarm) []field {
		return []field{{"Sequence", &a.Number}, {"Severity", &a.Severity}, {"Date Time", &a.Since}, {"Alarm", &a.Name},
			{"Object", &a.Object}, {"Detail", &a.Detail}}
	})
	for _, a := range alarms {
		s.line("")
		s.line("%s: %s", a.Name, a.Text)
	}
	return s.display()
}
