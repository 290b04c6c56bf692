// Package clock reads the clock that all processes of a machine share. One process can pass
// a reading to another. The monotonic readings of Go cannot be passed on, because each
// process counts from its own origin.
package clock

import (
	"runtime"
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

// Worked calls do and returns for how long it had a processor (CLOCK_THREAD_CPUTIME_ID). On a busy
// machine do takes longer than that.
func Worked(do func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := processor()
	do()
	return processor() - before
}

// processor returns how long the calling thread has had a processor.
func processor() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts) // cannot fail for this clock
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
