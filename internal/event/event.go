// Package event declares what a device logs. There is a closed set of events, each with a
// name, a severity and fields that stay the same from release to release. There is a
// closed set of alarms, too: conditions that last until their cause is gone. Where VRP's
// log has such an event, it gives the name.
//
// The package is pure. Package journal decides where events go and how fast.
package event

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Severity is a severity on the scale of VRP and syslog (RFC 5424, section 6.2.1): the
// lower the number, the worse.
type Severity uint8

// The severities in use.
const (
	Critical Severity = 2
	Error    Severity = 3
	Warning  Severity = 4
	Notice   Severity = 5
	Info     Severity = 6
)

// Kind declares a kind of event: its name, its severity, and its fields.
type Kind struct {
	Module   string
	Severity Severity
	Name     string
	Fields   []string // names of the values that an event of this kind carries, in order
	Text     string   // the message for people
}

// kinds lists all kinds, in the order of the declarations.
var kinds []*Kind

// Kinds lists every kind of event.
func Kinds() []*Kind { return kinds }

func declare(module string, severity Severity, name, fields, text string) *Kind {
	k := &Kind{module, severity, name, strings.Fields(fields), text}
	kinds = append(kinds, k)
	return k
}

// Event is something that has happened.
type Event struct {
	*Kind
	Values []any // one for each of the kind's fields
}

// With returns an event of a kind. There must be one value for each field of the kind; a
// test of this package checks every call.
func (k *Kind) With(values ...any) Event { return Event{k, values} }

// Field returns the name of field i and its value as text.
func (e Event) Field(i int) (name, value string) {
	if i < len(e.Values) {
		value = fmt.Sprint(e.Values[i])
	}
	return e.Fields[i], value
}

// Facts returns the fields as text: ETrunkId=1, State=Master.
func (e Event) Facts() string {
	var b strings.Builder
	for i := range e.Fields {
		name, value := e.Field(i)
		if i > 0 {
			b.WriteString(", ")
		}
		if strings.ContainsAny(value, ", =\"()") {
			value = strconv.Quote(value)
		}
		b.WriteString(name + "=" + value)
	}
	return b.String()
}

// String returns the event in the format of VRP's log.
func (e Event) String() string {
	return fmt.Sprintf("%s/%d/%s: %s (%s)", e.Module, e.Severity, e.Name, e.Text, e.Facts())
}

// Entry is an event in the log.
type Entry struct {
	Event
	At     time.Time
	Number uint64 // number of the entry, counted from 1 since the start
}
