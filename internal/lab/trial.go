package lab

import (
	"context"
	"time"
)

// The longest interruption that a fault may cause, by its number in the list of faults
// that the pair must survive.
var (
	limitLink   = pace.stretch(20*time.Millisecond) + packetInterval - time.Millisecond // 3 and 4: the device detects the fault itself
	limitDeath  = detection() + limitLink                                               // 1 and 2: the peer has to detect the fault
	limitNoLoss = time.Duration(0)                                                      // 5 to 8, 13, 18, 19 and others
)

// trial is one fault of the demonstration.
type trial struct {
	fault  int
	device string // "a", "b" or "both"
	name   string
	limit  time.Duration
	// paced says that the limit holds only while the streams keep their intervals. The
	// devices tolerate pauses of a stream up to twice as long as its latest ones.
	paced bool
	// doubles is how long both devices may send the same stream, 0 if this is not
	// checked.
	doubles time.Duration
	inject  func(context.Context) error
	// says is what the devices must display during the fault, and did not display before.
	says []saying
	// hold is how long the fault lasts. If during is set, the fault lasts at least as long
	// as during takes.
	hold   time.Duration
	during func(context.Context) error
	// heal repairs the fault; then the trial waits until the pair is complete again.
	// Without heal the fault lasts into the next trial.
	heal func(context.Context) error
	// after checks further requirements when the pair is complete again.
	after func(context.Context) error
	// end undoes what was needed only for this trial. It is called after the losses have
	// been counted.
	end func()
}

// result is one line of the final table and of the results file.
type result struct {
	Fault      int     `json:"fault"`
	Device     string  `json:"device"`
	Streams    int     `json:"streams"`
	GapMS      float64 `json:"gap_ms"`
	Lost       int     `json:"lost"`
	Duplicated int     `json:"duplicated"`
	LateMS     float64 `json:"late_ms"` // longest standstill of the source during the trial
	LimitMS    float64 `json:"limit_ms"`
	// DuplicatedLimit is how many packets may be duplicated, nil where that does not matter.
	DuplicatedLimit *int `json:"duplicated_limit,omitempty"`
	// Shown is what the devices displayed about the fault, of the texts in says.
	Shown []string `json:"shown,omitempty"`
	OK    bool     `json:"ok"`
	// Inconclusive says that the result proves nothing: the source stood still for so
	// long that this may have hidden a gap, or that the machine itself may have caused
	// the gap. A shorter standstill can hide only gaps that are allowed.
	Inconclusive bool `json:"inconclusive"`

	name string
	note string // why the result is not ok, if the figures do not show it
}

// verdict returns the result as one word.
func (r result) verdict() string {
	switch {
	case r.OK:
		return "ok"
	case r.Inconclusive:
		return "inconclusive"
	}
	return "NOT OK"
}

var (
	holdTime  = max(800*time.Millisecond, 2*limitDeath)
	healLimit = pace.stretch(15 * time.Second)
	// quiet is how long the streams are still measured after the pair is complete.
	quiet = pace.stretch(300 * time.Millisecond)
	// flight is longer than a packet takes from the source through the socket to its
	// reader.
	flight = pace.stretch(60 * time.Millisecond)
	// shortStandstill is a standstill of the source that never makes a trial
	// inconclusive: ten packets.
	shortStandstill = 10 * packetInterval
)
