// Package sched makes the kernel run threads of this program before other threads
// (sched(7)).
package sched

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// ShortSlice is the time slice, in nanoseconds, of a thread that should run soon after it
// wakes. Another thread can delay it by about this time. The default slice is some
// milliseconds (Linux 6.12).
const ShortSlice = 100_000

// niceness is the niceness of a program that must run before ordinary work.
const niceness = -10

// RaiseProcess gives every thread of the process, and the threads that they start,
// priority over ordinary work. When a link fails on a busy machine, the length of the
// interruption depends on how soon the daemon gets a processor. An error means that the
// system refuses this for some thread; the other threads still get the priority.
func RaiseProcess() error {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	var errs []error
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		if err != nil {
			continue
		}
		if err := raise(id); err != nil && !errors.Is(err, unix.ESRCH) {
			errs = append(errs, fmt.Errorf("thread %d: nice %d: %w", id, niceness, err))
		}
	}
	if err := raiseSession(); err != nil {
		errs = append(errs, fmt.Errorf("autogroup: %w", err))
	}
	return errors.Join(errs...)
}

// raiseSession raises the priority of the scheduler's group for the process's session. If
// the scheduler groups tasks by session (CONFIG_SCHED_AUTOGROUP), a thread's niceness
// counts only within its group, and the niceness of the group counts against other
// sessions. A process may be in no such group, if no setsid(2) preceded it. Then the
// kernel shows an empty file and refuses a write to it (EINVAL), and the niceness of the
// threads counts.
func raiseSession() error {
	const file = "/proc/self/autogroup"
	group, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(group) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	return os.WriteFile(file, []byte(strconv.Itoa(niceness)), 0)
}

// raise raises one thread. The thread keeps its scheduling policy.
func raise(id int) error {
	attr, err := unix.SchedGetAttr(id, 0)
	if err != nil {
		return err
	}
	attr.Nice = niceness
	if attr.Policy == unix.SCHED_NORMAL {
		attr.Runtime = ShortSlice
	}
	return unix.SchedSetAttr(id, attr, 0)
}
