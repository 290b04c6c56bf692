package bench

import (
	"errors"
	"runtime"

	"golang.org/x/sys/unix"
)

// onProcessor runs f with the calling thread, and whatever it starts, on one processor.
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

// anyProcessor lets urgent run wherever there is room.
const anyProcessor = -1

// urgent runs f on a thread of its own that waits for no other, on one processor
// if told. So runs what stands for the world outside: frames arrive and clocks are
// read when it is time, not when the devices leave a processor. Where that is not
// permitted it waits like everybody else, and the figure is the worse for it.
func urgent(cpu int, f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and the thread ends with the goroutine
		err := unix.SchedSetAttr(0, &unix.SchedAttr{
			Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1, Flags: unix.SCHED_FLAG_RESET_ON_FORK,
		}, 0)
		if errors.Is(err, unix.EPERM) {
			err = nil
		}
		// Sleeps end when asked for, not up to 50 us later.
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
