package bfdloop

// eventQueue is how many events can wait for the reader. Beyond that, a new event of a
// session replaces the waiting one.
const eventQueue = 256

// backlog holds the events for which the reader has no room, at most one for each session. So a
// reader that does not read costs neither time nor memory.
type backlog struct {
	events    []Event
	coalesced uint64
}

// put queues an event in place of an older one of the same session.
func (b *backlog) put(e Event) {
	for i := range b.events {
		if b.events[i].Session == e.Session {
			b.events = append(b.events[:i], b.events[i+1:]...)
			b.coalesced++
			break
		}
	}
	b.events = append(b.events, e)
}

// deliver sends as many events to out as it takes without blocking.
func (b *backlog) deliver(out chan<- Event) {
	for len(b.events) > 0 {
		select {
		case out <- b.events[0]:
			b.pop()
		default:
			return
		}
	}
}

func (b *backlog) pop() { b.events = append(b.events[:0], b.events[1:]...) }
