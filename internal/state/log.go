package state

import (
	"time"

	"tandem/internal/event"
)

// Log is the buffer of log messages.
type Log struct {
	Size        int        `name:"buffer-size"` // capacity in messages
	Messages    int        `name:"current-messages"`
	Overwritten uint64     `name:"overwritten-messages"`                                                                    // messages that were overwritten by later ones
	Suppressed  uint64     `name:"dropped-messages" metric:"log_suppressed" help:"Events that came too fast to be logged."` // messages that came too fast to be recorded
	Entries     []LogEntry `name:"entries"`
}

// LogEntry is a message of the log.
type LogEntry struct {
	Number   uint64     `name:"number"` // number of the message, counted from 1 since the start
	At       time.Time  `name:"time"`
	Module   string     `name:"module"`
	Severity int        `name:"severity"`
	Name     string     `name:"name"`
	Text     string     `name:"text"`
	Fields   []LogField `name:"fields"`
}

// LogField is a field of a message.
type LogField struct {
	Name  string `name:"name"`
	Value string `name:"value"`
}

// LogOf returns the state of the log, with some of its messages.
func LogOf(book *event.Book, entries []event.Entry) Log {
	l := Log{Size: book.Size(), Messages: book.Len(), Overwritten: book.Overwritten, Suppressed: book.Suppressed}
	for _, e := range entries {
		entry := LogEntry{Number: e.Number, At: e.At, Module: e.Module, Severity: int(e.Severity), Name: e.Name, Text: e.Text}
		for i := range e.Fields {
			name, value := e.Field(i)
			entry.Fields = append(entry.Fields, LogField{name, value})
		}
		l.Entries = append(l.Entries, entry)
	}
	return l
}

// Alarms holds the active alarms.
type Alarms struct {
	Alarms []Alarm `name:"alarms"`
}

// Alarm is one active alarm.
type Alarm struct {
	Number   uint64    `name:"sequence"` // number of the alarm, counted from 1 since the start
	Severity string    `name:"severity"`
	Since    time.Time `name:"date-time"`
	Name     string    `name:"alarm"`
	Object   string    `name:"object"`
	Detail   string    `name:"detail"`
	Text     string    `name:"text"`
}

// AlarmsOf returns the state of alarms.
func AlarmsOf(alarms []event.Alarm) []Alarm {
	list := make([]Alarm, 0, len(alarms))
	for _, a := range alarms {
		list = append(list, Alarm{Number: a.Number, Severity: string(a.Severity), Since: a.Since, Name: a.Name, Object: a.Object,
			Detail: a.Detail, Text: a.Text})
	}
	return list
}
