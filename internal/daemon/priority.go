package daemon

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// The priority of the whole daemon: when a link dies on a busy machine, what
// decides the gap is how soon a turn can be taken.
const (
	niceness = -10
	// shortSlice, in nanoseconds, is how long another thread may go on when one of
	// these wakes, not the milliseconds that a thread has by default (Linux 6.12).
	shortSlice = 100_000
)

// RaisePriority puts every thread of the process, and those that they start,
// ahead of ordinary work. An error says that the system does not permit it; the
// daemon works without.
func RaisePriority() error {
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
		attr.Runtime = shortSlice
	}
	return unix.SchedSetAttr(id, attr, 0)
}
