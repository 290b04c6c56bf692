package bfdloop

import "sync/atomic"

// command is a function that the loop runs between packets.
type command struct {
	run  func(*worker)
	done chan<- struct{} // closed when the command has run; may be nil
	next *command
}

// mailbox passes commands to the loop without a lock. With a lock, the loop might wait for a
// goroutine that the scheduler has suspended while it held the lock.
type mailbox struct {
	newest atomic.Pointer[command]
}

func (m *mailbox) put(c *command) {
	for {
		c.next = m.newest.Load()
		if m.newest.CompareAndSwap(c.next, c) {
			return
		}
	}
}

// take empties the mailbox and returns the commands, oldest first.
func (m *mailbox) take() *command {
	var oldest *command
	for c := m.newest.Swap(nil); c != nil; {
		c, c.next, oldest = c.next, oldest, c
	}
	return oldest
}
