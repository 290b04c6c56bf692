package bfdloop

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Priority is how the operating system treats the loop's thread.
type Priority uint8

// Priorities, worst first.
const (
	PriorityNormal Priority = iota
	PriorityNice
	PriorityFIFO
)

var policy = PriorityNice

func raisePriority() (Priority, error) {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	switch policy {
	case PriorityFIFO:
		attr := unix.SchedAttr{Size: uint32(unsafe.Sizeof(unix.SchedAttr{})), Policy: unix.SCHED_FIFO, Priority: 10}
		if err := unix.SchedSetAttr(0, &attr, 0); err != nil {
			return PriorityNormal, fmt.Errorf("SCHED_FIFO: %w", err)
		}
		return PriorityFIFO, nil
	case PriorityNice:
		attr := unix.SchedAttr{Size: uint32(unsafe.Sizeof(unix.SchedAttr{})), Nice: -20, Runtime: 100_000}
		if err := unix.SchedSetAttr(0, &attr, 0); err != nil {
			return PriorityNormal, fmt.Errorf("nice: %w", err)
		}
		return PriorityNice, nil
	}
	return PriorityNormal, nil
}
