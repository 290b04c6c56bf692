package kernel

import (
	"errors"
	"fmt"
	"sync/atomic"

	"tandem/internal/event"
	"tandem/internal/fib"
)

// interfaces are those that the plane was told.
type interfaces struct {
	// attached are those in the kernel's table: indexes by Linux name. It is of whoever
	// has the turn.
	attached map[string]int
	names    atomic.Pointer[map[int]string] // Linux names of all by index, for the upcalls
}

// name returns the Linux name of an interface, empty for one that was not told.
func (i *interfaces) name(index int) string {
	if names := i.names.Load(); names != nil {
		return (*names)[index]
	}
	return ""
}

// adopt goes on with the interfaces of another program.
func (i *interfaces) adopt(attached map[string]int) {
	i.attached = attached
	names := make(map[int]string, len(attached))
	for name, index := range attached {
		names[index] = name
	}
	i.names.Store(&names)
}

// SetInterfaces implements [fib.Plane].
func (p *Plane) SetInterfaces(list []fib.Interface) error {
	names := make(map[int]string, len(list))
	for _, told := range list {
		names[told.Index] = told.Name
	}
	p.interfaces.names.Store(&names) // before there can be upcalls
	already := make(map[int]bool)
	for _, index := range p.interfaces.attached {
		if already[index] = names[index] != ""; !already[index] {
			_ = p.table.DelInterface(index) // fails when the interface has gone, and its place with it
		}
	}
	attached := make(map[string]int, len(list))
	var errs []error
	for _, told := range list {
		if !already[told.Index] {
			if err := p.table.AddInterface(told.Index); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", told.Name, err))
				continue
			}
		}
		attached[told.Name] = told.Index
	}
	p.interfaces.attached = attached
	return errors.Join(errs...)
}

// restoreInterfaces adds interfaces again that somebody else has taken out.
func (p *Plane) restoreInterfaces() {
	restored, err := p.table.Restore()
	if err != nil {
		p.router.Emit(event.InterfacesNotRestored.With(err))
	}
	if restored > 0 {
		p.repairs.Interfaces += uint64(restored)
		p.router.Emit(event.InterfacesRestored.With(restored))
	}
}
