package bench

import (
	"errors"
	"runtime"

	"golang.org/x/sys/unix"
)

// onProcessor runs f on one processor: the calling thread and all threads that it starts.
func onProcessor(cpu int, f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	one.Set(cpu)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return err
	}
	defer func() { _ = unix.SchedSetaffinity(0, &before) }()
	return f()
}

// anyProcessor lets urgent use every processor.
const anyProcessor = -1

// urgent runs f on a thread of its own with the highest priority, on one processor if cpu
// says so. It is for the code that acts as the outside world: frames must arrive, and
// clocks must be read, at the right time, even while the devices use all processors. If
// the priority is not permitted, f runs as an ordinary thread, and the figure gets worse.
func urgent(cpu int, f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the thread ends with the goroutine
		err := unix.SchedSetAttr(0, &unix.SchedAttr{
			Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1, Flags: unix.SCHED_FLAG_RESET_ON_FORK,
		}, 0)
		if errors.Is(err, unix.EPERM) {
			err = nil
		}
		// Sleeps then end at the wanted time, not up to 50 us later.
		if err == nil {
			err = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
		}
		switch {
		case err != nil:
		case cpu == anyProcessor:
			err = f()
		default:
			err = onProcessor(cpu, f)
		}
		done <- err
	}()
	return <-done
}
