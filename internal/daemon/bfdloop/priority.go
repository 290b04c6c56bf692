package bfdloop

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Priority is how the operating system treats the loop's thread.
type Priority uint8

// Priorities, worst first.
const (
	PriorityNormal Priority = iota
	PriorityNice            // SCHED_OTHER at nice -20 with short slices
	PriorityFIFO            // SCHED_FIFO
)

func (p Priority) String() string { return [...]string{"normal", "nice -20", "SCHED_FIFO"}[p%3] }

const (
	// fifoPriority is above ordinary real-time work and below the kernel's own threads.
	fifoPriority = 40
	// shortSlice, in nanoseconds, lets the thread preempt others when it wakes (Linux 6.12).
	shortSlice = 100_000
)

// raisePriority gives the calling thread the best priority that is permitted. A
// kernel with RT_GROUP_SCHED may refuse SCHED_FIFO to a group without a budget.
//
// SCHED_FIFO is only for a process that does little else. The Go runtime spins for
// short locks on a goroutine's state, held by its monitor or by the garbage
// collector; a real-time thread that has pushed the holder off its processor spins
// there until the kernel moves the holder, and stalls of 100 ms were seen.
func raisePriority(realTime bool) (Priority, string) {
	// Without it a wait may end 50 us late. It cannot fail with these arguments.
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	note := ""
	if realTime {
		err := setScheduler(unix.SchedAttr{Policy: unix.SCHED_FIFO, Priority: fifoPriority})
		if err == nil {
			return PriorityFIFO, ""
		}
		note = fmt.Sprintf("SCHED_FIFO: %v", err)
	}
	if err := setScheduler(unix.SchedAttr{Nice: -20, Runtime: shortSlice}); err != nil {
		return PriorityNormal, join(note, fmt.Sprintf("nice -20: %v", err))
	}
	return PriorityNice, note
}

func setScheduler(attr unix.SchedAttr) error {
	attr.Size = unix.SizeofSchedAttr
	attr.Flags = unix.SCHED_FLAG_RESET_ON_FORK
	return unix.SchedSetAttr(0, &attr, 0)
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
