// Package event is what a device tells of itself: a closed set of events, each
// with a name, a severity and fields that stay the same from release to release,
// and of alarms, conditions that last until they are over. Names follow VRP's
// logs where there is one for it.
//
// The package is pure: where events go, and how fast, is the business of
// package journal.
package event

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Severity is that of VRP's and syslog's scale (RFC 5424, section 6.2.1): the lower the worse.
type Severity uint8

// Severities in use.
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
	Fields   []string // names of what an event of the kind carries, in order
	Text     string   // what it says to people
}

// kinds is the closed set, in the order of the declarations.
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

// With makes an event of a kind. There must be a value for each of its fields,
// which a test of this package sees to.
func (k *Kind) With(values ...any) Event { return Event{k, values} }

// Field returns a field's name and its value as text.
func (e Event) Field(i int) (name, value string) {
	if i < len(e.Values) {
		value = fmt.Sprint(e.Values[i])
	}
	return e.Fields[i], value
}

// Facts writes the fields: ETrunkId=1, State=Master.
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

// String writes the event as VRP's log does.
func (e Event) String() string {
	return fmt.Sprintf("%s/%d/%s: %s (%s)", e.Module, e.Severity, e.Name, e.Text, e.Facts())
}

// Entry is an event in the log.
type Entry struct {
	Event
	At     time.Time
	Number uint64 // counts all entries since the start, from 1
}
