package daemon

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// niceness is the priority of the whole daemon: when a link dies on a busy
// machine, what decides the gap is how soon the loop runs.
const niceness = -10

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
		if err := unix.Setpriority(unix.PRIO_PROCESS, id, niceness); err != nil && !errors.Is(err, unix.ESRCH) {
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
