// Package sched asks the kernel to run threads of this program ahead of others (sched(7)).
package sched

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// ShortSlice is how long, in nanoseconds, another thread may go on when one with such a
// slice wakes, instead of the milliseconds that a thread has by default (Linux 6.12).
const ShortSlice = 100_000

// niceness is that of a program which must not wait for ordinary work.
const niceness = -10

// RaiseProcess puts every thread of the process, and those that they start, ahead of
// ordinary work: when a link dies on a busy machine, what decides the gap is how soon the
// daemon can act. An error says that the system does not permit it for some thread; the
// others are raised all the same.
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
	// Where the scheduler groups tasks by session (CONFIG_SCHED_AUTOGROUP), only
	// the group's own niceness counts against other sessions.
	err = os.WriteFile("/proc/self/autogroup", []byte(strconv.Itoa(niceness)), 0)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		errs = append(errs, fmt.Errorf("autogroup: %w", err))
	}
	return errors.Join(errs...)
}

// raise leaves a thread the policy that it was started with.
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
