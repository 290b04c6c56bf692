package sched

import (
	"bytes"
	"io"
	"os"
	"time"
)

// userTick is the unit of time in /proc/stat (USER_HZ is 100 on every architecture that Linux
// and Go share).
const userTick = 10 * time.Millisecond

// Steal reads for how long a hypervisor has not let the processors of this machine run
// (column steal of /proc/stat, proc(5)). Without a hypervisor this time is always zero.
type Steal struct {
	file io.ReaderAt
	done func() error
	room [4096]byte
	last [maxProcessors]uint64 // stolen time of each processor at the last reading, in ticks
	read bool                  // there was a reading, so last is valid
}

// maxProcessors is how many processors are read. Those with higher numbers are ignored.
const maxProcessors = 32

// OpenSteal opens /proc/stat, the kernel's statistics of the processors.
func OpenSteal() (*Steal, error) {
	f, err := os.Open("/proc/stat")
	if err != nil {
		return nil, err
	}
	return &Steal{file: f, done: f.Close}, nil
}

// Close closes the file.
func (s *Steal) Close() error { return s.done() }

// Read returns how much time was stolen since the last call, of the processor that lost
// most. The time is a multiple of 10 ms, and zero at the first call. Read allocates no
// memory.
func (s *Steal) Read() (most time.Duration) {
	n, _ := s.file.ReadAt(s.room[:], 0) // if the file is shorter than the buffer, the error is io.EOF
	processors := s.room[:n]
	_, processors, _ = bytes.Cut(processors, []byte("\n")) // the first line is the sum of all processors
	for i := range s.last {
		line, rest, whole := bytes.Cut(processors, []byte("\n"))
		if !whole || !bytes.HasPrefix(line, []byte("cpu")) {
			break
		}
		ticks := column(line, stealColumn)
		if s.read && ticks > s.last[i] {
			most = max(most, time.Duration(ticks-s.last[i])*userTick)
		}
		s.last[i], processors = ticks, rest
	}
	s.read = true
	return most
}

// stealColumn is the position of the stolen time in the line of a processor. Before it
// are the name of the processor, user, nice, system, idle, iowait, irq and softirq.
const stealColumn = 8

// column returns the number in a column of a line, 0 if the line has no such column.
func column(line []byte, place int) (n uint64) {
	for range place {
		_, line, _ = bytes.Cut(line, []byte(" "))
	}
	for _, digit := range line {
		if digit < '0' || digit > '9' {
			break
		}
		n = 10*n + uint64(digit-'0')
	}
	return n
}
