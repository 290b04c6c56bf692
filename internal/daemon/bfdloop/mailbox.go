package bfdloop

import "sync/atomic"

// command is something for the loop to do between packets.
type command struct {
	run  func(*worker)
	done chan<- struct{} // closed afterwards, may be nil
	next *command
}

// mailbox hands commands to the loop without a lock: the loop must not wait for a
// goroutine that was put aside while it held one.
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
