package ebpf

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"tandem/internal/event"
	"tandem/internal/fib"
	"tandem/internal/linux/links"
)

// port is an interface, by Linux name. It exists as long as SetInterfaces names it or a
// list contains it.
type port struct {
	told  fib.Interface // as set by SetInterfaces; zero if it does not name the port
	slot  uint32        // index in the array of outputs
	is    output        // the content that the output should have; its counters are not used
	hook  link.Link     // the program at the port's ingress; nil if SetInterfaces does not name the port
	lists int           // how many lists contain the port
}

var (
	errNotEthernet  = errors.New("not an Ethernet interface")
	errTooManyPorts = fmt.Errorf("more than %d multicast interfaces", mostOutputs)
	errNotThere     = errors.New("no such interface")
)

// SetInterfaces implements [fib.Plane].
func (p *Plane) SetInterfaces(list []fib.Interface) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	told := make(map[string]fib.Interface, len(list))
	for _, i := range list {
		told[i.Name] = i
	}
	for name, port := range p.ports {
		if port.told.Index != 0 && told[name].Index != port.told.Index {
			p.removePort(port)
		}
	}
	var added []fib.Interface
	for _, i := range list {
		if port := p.ports[i.Name]; port == nil || port.told.Index == 0 {
			added = append(added, i)
		}
	}
	errs := p.addPorts(added)
	for _, i := range list {
		if port := p.ports[i.Name]; port != nil && port.told.Index != 0 && port.told.Incoming != i.Incoming {
			errs = append(errs, p.setIncoming(port, i.Incoming))
		}
	}
	return errors.Join(errs...)
}

// addPorts starts forwarding between more interfaces.
func (p *Plane) addPorts(added []fib.Interface) (errs []error) {
	if len(added) == 0 {
		return nil
	}
	all, err := p.links.List()
	if err != nil {
		return []error{err}
	}
	for _, i := range added {
		at := slices.IndexFunc(all, func(l links.Link) bool { return l.Index == i.Index })
		err := errNotThere
		if at >= 0 {
			err = p.addPort(i, all[at])
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", i.Name, err))
		}
	}
	return errs
}

// addPort starts forwarding from and to an interface. It sets the gate first, so that
// nothing leaves that must not.
func (p *Plane) addPort(i fib.Interface, l links.Link) error {
	if len(l.HardwareAddr) != len(output{}.address) {
		return errNotEthernet
	}
	port, err := p.portOf(i.Name)
	if err != nil {
		return err
	}
	if port.hook, err = p.attach(i.Index); err != nil {
		p.forgetUnused(port)
		return err
	}
	port.told = fib.Interface{Name: i.Name, Index: i.Index}
	port.is.ifindex, port.is.gate = uint32(i.Index), 0
	pass := passAt(passes(&p.gate.want), i.Name)
	for generation := range generations {
		port.is.gate |= pass << (2 * generation)
	}
	p.describe(port, l)
	atomic.StoreUint32(&p.maps.outputs.at(port.slot).gate, port.is.gate)
	atomic.StoreUint32(&p.maps.outputs.at(port.slot).ifindex, port.is.ifindex)
	return nil
}

// describe stores what the program has to know about an interface.
func (p *Plane) describe(port *port, l links.Link) {
	port.is.mtu = uint32(l.MTU)
	copy(port.is.address[:], l.HardwareAddr)
	o := p.maps.outputs.at(port.slot)
	o.address = port.is.address
	atomic.StoreUint32(&o.mtu, port.is.mtu)
}

// portOf returns the port of a name. It makes a new one if there is none.
func (p *Plane) portOf(name string) (*port, error) {
	if port := p.ports[name]; port != nil {
		return port, nil
	}
	slot := uint32(slices.Index(p.bySlot, nil))
	if int(slot) >= len(p.bySlot) {
		if slot = uint32(len(p.bySlot)); slot == mostOutputs {
			return nil, errTooManyPorts
		}
		p.bySlot = append(p.bySlot, nil)
	}
	port := &port{slot: slot}
	*p.maps.outputs.at(slot) = output{}
	p.ports[name], p.bySlot[slot] = port, port
	port.told.Name = name
	return port, nil
}

// removePort ends the forwarding from and to an interface.
func (p *Plane) removePort(port *port) {
	_ = p.setIncoming(port, false)
	detach(port.hook)
	port.is.ifindex, port.hook = 0, nil
	port.told = fib.Interface{Name: port.told.Name}
	atomic.StoreUint32(&p.maps.outputs.at(port.slot).ifindex, 0)
	p.forgetUnused(port)
}

// forgetUnused removes a port that SetInterfaces does not name and no list contains.
func (p *Plane) forgetUnused(port *port) {
	if port.told.Index != 0 || port.lists > 0 {
		return
	}
	for i := range p.gate.dropped {
		p.gate.dropped[i] += atomic.LoadUint64(&p.maps.outputs.at(port.slot).held[i])
	}
	delete(p.ports, port.told.Name)
	p.bySlot[port.slot] = nil
}

// setIncoming sets whether streams may come in on an interface.
func (p *Plane) setIncoming(port *port, may bool) (err error) {
	if may {
		err = p.maps.incoming.Put(uint32(port.told.Index), uint32(1))
	} else if err = p.maps.incoming.Delete(uint32(port.told.Index)); errors.Is(err, ebpf.ErrKeyNotExist) {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", port.told.Name, err)
	}
	port.told.Incoming = may
	return nil
}

// attach attaches the program to the ingress hook of an interface.
func (p *Plane) attach(ifindex int) (hook link.Link, err error) {
	err = p.inside(func() (err error) {
		hook, err = link.AttachTCX(link.TCXOptions{Interface: ifindex, Program: p.program, Attach: ebpf.AttachTCXIngress})
		return err
	})
	return hook, err
}

// detach detaches the program, even if other processes have the hook open.
func detach(hook link.Link) {
	if hook == nil {
		return
	}
	if raw, ok := hook.(interface{ Detach() error }); ok {
		_ = raw.Detach() // fails if the interface is gone, which does no harm
	}
	hook.Close()
}

// attached reports whether the program is still attached to its interface.
func attached(hook link.Link) bool {
	info, err := hook.Info()
	return err == nil && info.TCX() != nil && info.TCX().Ifindex != 0
}

// restoreHooks attaches the program again where another program has detached it.
func (p *Plane) restoreHooks() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return
	}
	restored := 0
	for _, port := range p.ports {
		if port.hook == nil || attached(port.hook) {
			continue
		}
		if hook, err := p.attach(port.told.Index); err == nil { // an error means that the interface is gone
			port.hook.Close()
			port.hook = hook
			restored++
		}
	}
	if restored > 0 {
		p.repairs.Interfaces += uint64(restored)
		p.router.Emit(event.InterfacesRestored.With(restored))
	}
}
