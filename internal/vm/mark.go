package vm

import (
	"encoding/json"
	"strings"
	"time"
)

// markPrefix begins the lines by which the guest's first process tells the
// host where a program's output begins and ends. No program prints it.
const markPrefix = "\x01tandem-vm "

// event is what a mark tells.
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
	Data   []byte // of a file
}

func (m mark) line() string {
	text, err := json.Marshal(m)
	if err != nil {
		return ""
	}
	return markPrefix + string(text) + "\n"
}

// parseMark reads a line of the serial line. A mark may come after the end of a
// program's last, unfinished line.
func parseMark(line string) (m mark, ok bool) {
	text, ok := strings.CutPrefix(line, markPrefix)
	return m, ok && json.Unmarshal([]byte(text), &m) == nil
}
