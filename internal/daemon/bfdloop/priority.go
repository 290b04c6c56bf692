package bfdloop

import (
	"fmt"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/sched"
)

// Priority is the scheduling class of the loop's thread.
type Priority uint8

// Priorities, worst first.
const (
	PriorityNormal Priority = iota
	PriorityNice            // SCHED_OTHER at nice -20 with short slices
	PriorityFIFO            // SCHED_FIFO
)

func (p Priority) String() string { return [...]string{"normal", "nice -20", "SCHED_FIFO"}[p%3] }

const (
	// runtimePriority is the real-time priority of all threads of a helper, loopPriority that
	// of the loop. They are above ordinary real-time work and below the kernel's threads.
	runtimePriority = 40
	loopPriority    = runtimePriority + 1
)

// raisePriority gives the calling thread the best priority that is permitted. A kernel with
// RT_GROUP_SCHED may refuse SCHED_FIFO to a group without a budget.
//
// SCHED_FIFO is only for a process that does little else and whose other threads have a
// real-time priority, too (see inheritPriority). The Go runtime has locks, which its monitor,
// its garbage collector or any other thread may hold. If a real-time thread displaces the
// holder from its processor, the real-time thread waits until the kernel gives the holder
// another processor. On a busy machine we have measured stalls of 60 to 100 ms.
func raisePriority(realTime bool) (Priority, string) {
	// Without this a wait may end 50 us late. The call cannot fail with these arguments.
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	note := ""
	if realTime {
		err := setScheduler(unix.SchedAttr{Policy: unix.SCHED_FIFO, Priority: loopPriority})
		if err == nil {
			return PriorityFIFO, ""
		}
		note = fmt.Sprintf("SCHED_FIFO: %v", err)
	}
	if err := setScheduler(unix.SchedAttr{Nice: -20, Runtime: sched.ShortSlice, Flags: unix.SCHED_FLAG_RESET_ON_FORK}); err != nil {
		return PriorityNormal, join(note, fmt.Sprintf("nice -20: %v", err))
	}
	return PriorityNice, note
}

func setScheduler(attr unix.SchedAttr) error {
	attr.Size = unix.SizeofSchedAttr
	return unix.SchedSetAttr(0, &attr, 0)
}

// inheritPriority gives the calling thread a real-time priority. Threads that it starts
// later, and those of a program that it executes, have this priority from their start.
// The class is round-robin (SCHED_RR), because the sweeper of the Go runtime spins until
// others have swept; with SCHED_FIFO it could spin for ever on the only processor.
func inheritPriority() error {
	return setScheduler(unix.SchedAttr{Policy: unix.SCHED_RR, Priority: runtimePriority})
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
