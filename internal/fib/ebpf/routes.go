package ebpf

import (
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/event"
	"tandem/internal/fib"
	"tandem/internal/linux/clock"
)

var errTooManyRoutes = errors.New("no room for another route")

// known is a route that SetRoutes has set.
type known struct {
	route
	list *list
}

// slots manages the indexes of the streams' counters.
type slots struct {
	free []uint32
	end  uint32 // end of the slots that were ever used
}

// take returns a free slot.
func (s *slots) take() (slot uint32, ok bool) {
	if n := len(s.free); n > 0 {
		slot, s.free = s.free[n-1], s.free[:n-1]
		return slot, true
	}
	if s.end == mostRoutes {
		return 0, false
	}
	s.end++
	return s.end - 1, true
}

// SetRoutes implements [fib.Plane].
func (p *Plane) SetRoutes(changes []device.RouteChange) (set int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.newBatch()
	defer b.end()
	for i := range changes {
		c := &changes[i]
		k := keyOf(device.SourceGroup{Source: c.Source, Group: c.Group})
		r, fits, err := b.translate(c)
		if err == nil && fits {
			err = b.set(k, r)
		}
		if err != nil {
			p.router.Emit(event.RouteNotSet.With(c.Source, c.Group, c.Delete, err))
		} else if !fits {
			b.delete(k)
		}
	}
	b.flush()
	p.rouse()
	return b.done
}

func (p *Plane) newBatch() *batch {
	return &batch{Plane: p, now: time.Now(), clock: uint64(clock.Monotonic())}
}

// end ends the use of a batch after flush.
func (b *batch) end() { b.release(b.list) }

// mostAtOnce is how many routes one system call writes.
const mostAtOnce = 1024

// batch collects routes that are to be written to the kernel's map.
type batch struct {
	*Plane
	now    time.Time
	clock  uint64 // the present time, CLOCK_MONOTONIC in ns
	keys   []key
	values []route
	former []*list // lists of the routes that are replaced
	done   int
	// The outputs of the last route, because those of the next one are mostly the same.
	outgoing []string
	list     *list
}

// translate converts a route into the program's form, without interfaces that the plane
// does not have, and without the slot. fits is false if the route is to be deleted, or if
// the plane does not have its incoming interface.
func (b *batch) translate(c *device.RouteChange) (r known, fits bool, err error) {
	incoming := b.ports[c.Incoming]
	if c.Delete || incoming == nil || incoming.is.ifindex == 0 {
		return r, false, nil
	}
	l, err := b.listOf(c.Outgoing)
	if err != nil {
		return r, false, err
	}
	return known{list: l, route: route{
		Incoming: incoming.is.ifindex, First: l.first, Outputs: uint32(len(l.outputs)),
		Bucket: uint32(etrunk.BucketOf(c.Source, c.Group)),
	}}, true, nil
}

// listOf returns the list of those of the interfaces that the plane has.
func (b *batch) listOf(outgoing []string) (*list, error) {
	if b.list != nil && slices.Equal(b.outgoing, outgoing) {
		return b.list, nil
	}
	var room [16]uint32
	outputs := room[:0]
	for _, name := range outgoing {
		if port := b.ports[name]; port != nil && port.is.ifindex != 0 {
			outputs = append(outputs, port.slot)
		}
	}
	l, made, err := b.lists.get(outputs, b.now)
	if err != nil {
		return nil, err
	}
	if made {
		b.hold(l)
	}
	b.release(b.list)
	l.users++ // the batch is a user, too
	b.outgoing, b.list = append(b.outgoing[:0], outgoing...), l
	return l, nil
}

// hold counts a new list at each of its outputs.
func (p *Plane) hold(l *list) {
	for _, slot := range l.outputs {
		p.bySlot[slot].lists++
	}
}

// release removes a user from a list; nil is no list.
func (b *batch) release(l *list) {
	if l == nil {
		return
	}
	if l.users--; l.users > 0 {
		return
	}
	b.lists.drop(l, b.now)
	for _, slot := range l.outputs {
		port := b.bySlot[slot]
		port.lists--
		b.forgetUnused(port)
	}
}

// set sets a route. If the stream has a route already, it keeps its counters.
func (b *batch) set(k key, r known) error {
	old, had := b.routes[k]
	if r.Slot = old.Slot; !had {
		slot, ok := b.slots.take()
		if !ok {
			return errTooManyRoutes
		}
		r.Slot = slot
		*b.maps.streams.at(slot) = stream{last: b.clock}
	}
	r.list.users++
	b.former = append(b.former, old.list)
	b.routes[k] = r
	if watched := b.arriving.watch.Of(r.Slot) != nil; watched != (r.Outputs > 0) {
		if watched {
			b.arriving.watch.Remove(r.Slot)
		} else {
			b.beginWatch(k, r.Slot)
		}
	}
	if b.keys = append(b.keys, k); len(b.keys) == mostAtOnce {
		b.flush()
	}
	return nil
}

// flush writes the collected routes to the kernel's map.
func (b *batch) flush() {
	b.values = b.values[:0]
	for _, k := range b.keys {
		b.values = append(b.values, b.routes[k].route)
	}
	if len(b.keys) > 0 {
		n, err := b.maps.routes.BatchUpdate(b.keys, b.values, nil)
		b.done += n
		for ; err != nil && n < len(b.keys); n++ { // one by one, from the first that failed
			if err := b.maps.routes.Put(b.keys[n], b.values[n]); err == nil {
				b.done++
				continue
			} else {
				stream := b.keys[n].stream()
				b.router.Emit(event.RouteNotSet.With(stream.Source, stream.Group, false, err))
			}
			b.forget(b.keys[n])
		}
	}
	for _, l := range b.former {
		b.release(l)
	}
	b.keys, b.former = b.keys[:0], b.former[:0]
}

// delete deletes a route. A missing route is no error.
func (b *batch) delete(k key) {
	if _, had := b.routes[k]; !had {
		return
	}
	b.flush()
	if err := remove(b.maps.routes, []key{k}); err != nil {
		stream := k.stream()
		b.router.Emit(event.RouteNotSet.With(stream.Source, stream.Group, true, err))
		return
	}
	b.forget(k)
}

// forget removes a route that the kernel does not have.
func (b *batch) forget(k key) {
	if old, had := b.routes[k]; had {
		delete(b.routes, k)
		b.arriving.watch.Remove(old.Slot)
		b.slots.free = append(b.slots.free, old.Slot)
		b.release(old.list)
	}
}

// countedAtOnce is for how many streams Counters reads the counters before it lets others
// have the lock.
const countedAtOnce = 256

// Counters implements [fib.Plane].
func (p *Plane) Counters(streams []device.SourceGroup) []fib.Counters {
	list := make([]fib.Counters, 0, len(streams))
	for some := range slices.Chunk(streams, countedAtOnce) {
		list = p.appendCounters(list, some)
	}
	return list
}

func (p *Plane) appendCounters(list []fib.Counters, streams []device.SourceGroup) []fib.Counters {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range streams {
		var c fib.Counters
		if r, ok := p.routes[keyOf(s)]; ok && p.ctx.Err() == nil {
			at := p.maps.streams.at(r.Slot)
			c.Packets, c.Bytes = atomic.LoadUint64(&at.packets), atomic.LoadUint64(&at.bytes)
			c.WrongInterface = atomic.LoadUint64(&at.wrong)
		}
		list = append(list, c)
	}
	return list
}
