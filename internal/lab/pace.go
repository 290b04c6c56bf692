package lab

import (
	"fmt"
	"hash/fnv"
	"os"
	"strconv"
	"time"
)

// pacing holds how fast the machine is. In an emulated machine, times are longer than on
// a real one.
type pacing struct {
	// slowness is how many times slower this machine computes than its host, 1 for a machine
	// that is not emulated.
	slowness float64
}

// envHostWork is the variable that tells a lab in an emulated machine how long its host
// needs for [work], in nanoseconds.
const envHostWork = "TANDEM_LAB_HOST_WORK"

var pace = newPacing()

func newPacing() pacing {
	host, err := strconv.ParseInt(os.Getenv(envHostWork), 10, 64)
	if err != nil || host <= 0 {
		return pacing{1}
	}
	return pacing{max(1, float64(work())/float64(host))}
}

// work measures the time of a fixed computation, the shortest of several runs.
func work() time.Duration {
	best := time.Hour
	block := make([]byte, 1<<16)
	for range 5 {
		began := time.Now()
		h := fnv.New64a()
		for range 16 {
			_, _ = h.Write(block) // writing to a hash never fails
		}
		best = min(best, time.Since(began))
	}
	return best
}

func (p pacing) emulated() bool { return p.slowness > 1 }

func (p pacing) stretch(d time.Duration) time.Duration {
	return time.Duration(float64(d) * p.slowness).Round(time.Millisecond)
}

// packetInterval is the time between two packets of a stream. An emulated processor could not
// keep the usual rate.
var packetInterval = func() time.Duration {
	if pace.emulated() {
		return 20 * time.Millisecond
	}
	return time.Millisecond
}()

// Timers of BFD in an emulated machine, where a thread may wait for a large part of a second.
const (
	emulatedBFDInterval = 100 * time.Millisecond
	emulatedDetectMult  = 5
)

// detection returns the detection time of the procedure's BFD session, 10 ms x 3.
func detection() time.Duration {
	if pace.emulated() {
		return emulatedBFDInterval * emulatedDetectMult
	}
	return 30 * time.Millisecond
}

// bfdLines returns configuration lines that make the BFD session slower, if the machine
// needs that.
func (p pacing) bfdLines() string {
	if !p.emulated() {
		return ""
	}
	return fmt.Sprintf("system-view\nbfd core\nmin-tx-interval %d\nmin-rx-interval %[1]d\ndetect-multiplier %d\ncommit\n",
		emulatedBFDInterval/time.Millisecond, emulatedDetectMult)
}
