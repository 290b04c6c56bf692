package rbs

import (
	"math"
	"time"
)

// Ahead returns how far the peer has set the clock forward since it was made, at most 292
// years.
func (c *Clock) Ahead() time.Duration {
	return time.Duration(min(c.ahead, math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
}

// Counter returns the number of the event within its millisecond.
func (s Stamp) Counter() uint16 { return uint16(s) }

// Reset empties e and keeps its memory.
func (e *Effects) Reset() {
	clear(e.Close)
	clear(e.Send)
	clear(e.Events)
	e.Close, e.Listen, e.Dial = e.Close[:0], e.Listen[:0], e.Dial[:0]
	e.Send, e.Events = e.Send[:0], e.Events[:0]
	e.StatusWanted, e.Status = false, nil
}
