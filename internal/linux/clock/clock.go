// Package clock reads the clock that all processes of a machine share. One process can pass
// a reading to another. The monotonic readings of Go cannot be passed on, because each
// process counts from its own origin.
package clock

import (
	"time"

	"golang.org/x/sys/unix"
)

// Monotonic returns CLOCK_MONOTONIC (clock_gettime(2)): the time since some moment of the
// machine's start, without the time in which it was suspended.
func Monotonic() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // cannot fail for this clock
	return time.Duration(ts.Nano())
}

// Sleep waits on the kernel's clock. It ends closer to the wanted time than a timer of the
// Go runtime.
func Sleep(d time.Duration) { SleepUntil(Monotonic() + d) }

// SleepUntil is Sleep until Monotonic returns the given reading.
func SleepUntil(at time.Duration) {
	ts := unix.NsecToTimespec(int64(at))
	for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &ts, nil) == unix.EINTR {
	}
}
