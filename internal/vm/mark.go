package vm

import (
	"encoding/json"
	"strings"
	"time"
)

// markPrefix begins the lines with which the guest's first process reports to the host, for
// instance where the output of a program begins and ends. No program prints it.
const markPrefix = "\x01tandem-vm "

// event is the kind of a mark.
type event string

const (
	eventBooted event = "booted"
	eventStart  event = "start"
	eventEnd    event = "end"
	eventFailed event = "failed"
	eventFile   event = "file"
)

type mark struct {
	Event  event
	Name   string
	Status int
	Took   time.Duration
	Data   []byte // content of a file
}

func (m mark) line() string {
	text, err := json.Marshal(m)
	if err != nil {
		return ""
	}
	return markPrefix + string(text) + "\n"
}

// parseMark parses a line of the serial line. A mark may follow the last line of a program
// if that line has no line end.
func parseMark(line string) (m mark, ok bool) {
	text, ok := strings.CutPrefix(line, markPrefix)
	return m, ok && json.Unmarshal([]byte(text), &m) == nil
}
