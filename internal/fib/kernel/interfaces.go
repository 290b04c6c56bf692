package kernel

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"tandem/internal/event"
	"tandem/internal/fib"
)

// interfaces holds the interfaces that SetInterfaces has set.
type interfaces struct {
	// attached holds the interfaces in the kernel's table: index by Linux name. Only the
	// goroutine with the turn uses it.
	attached map[string]int
	told     bool                                  // SetInterfaces has been called since the plane was opened
	byIndex  atomic.Pointer[map[int]fib.Interface] // all interfaces, by index
}

// all returns all interfaces by index. It may be called from any goroutine.
func (i *interfaces) all() map[int]fib.Interface {
	if all := i.byIndex.Load(); all != nil {
		return *all
	}
	return nil
}

// adopt takes over the interfaces of the predecessor. Until SetInterfaces is called,
// streams may arrive on each of them.
func (i *interfaces) adopt(attached map[string]int) {
	i.attached = attached
	byIndex := make(map[int]fib.Interface, len(attached))
	for name, index := range attached {
		byIndex[index] = fib.Interface{Name: name, Index: index, Incoming: true}
	}
	i.byIndex.Store(&byIndex)
}

// SetInterfaces implements [fib.Plane].
func (p *Plane) SetInterfaces(list []fib.Interface) error {
	byIndex := make(map[int]fib.Interface, len(list))
	for _, told := range list {
		byIndex[told.Index] = told
	}
	p.interfaces.byIndex.Store(&byIndex) // set before the first upcall can come
	already := make(map[int]bool)
	for _, index := range p.interfaces.attached {
		if already[index] = byIndex[index].Index != 0; !already[index] {
			_ = p.table.DelInterface(index) // fails if the interface was deleted; the kernel has then removed it
		}
	}
	attached := make(map[string]int, len(list))
	var others []int // interfaces on which no stream may arrive
	var errs []error
	for _, told := range list {
		if !already[told.Index] {
			if err := p.table.AddInterface(told.Index); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", told.Name, err))
				continue
			}
		}
		attached[told.Name] = told.Index
		if !told.Incoming {
			others = append(others, told.Index)
		}
	}
	p.interfaces.attached, p.interfaces.told = attached, true
	guarded, control := guards(list)
	p.gate.setInterfaces(slices.Sorted(maps.Keys(attached)), guarded, control)
	errs = append(errs, p.watchIncoming(list))
	return errors.Join(append(errs, p.table.Discard(others))...)
}

// watchIncoming makes the observer count the arrivals on the incoming interfaces.
func (p *Plane) watchIncoming(list []fib.Interface) error {
	var incoming []int
	for _, told := range list {
		if told.Incoming {
			incoming = append(incoming, told.Index)
		}
	}
	return p.arriving.setIncoming(incoming)
}

// restoreInterfaces adds interfaces again that another program has removed from the table.
func (p *Plane) restoreInterfaces() {
	restored, err := p.table.Restore()
	if err != nil {
		p.router.Emit(event.InterfacesNotRestored.With(err))
	}
	if restored > 0 {
		p.repairs.Interfaces += uint64(restored)
		p.router.Emit(event.InterfacesRestored.With(restored))
		p.inspectDiscard()
	}
}
