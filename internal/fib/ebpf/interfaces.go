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

// port is an interface by its Linux name, as long as it was told or a list names it.
type port struct {
	told  fib.Interface // zero when it was not
	slot  uint32        // among the outputs
	is    output        // what the program is to find there; the counters are not used
	hook  link.Link     // the program at its ingress, nil when it was not told
	lists int           // how many name it
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

// addPorts begins to forward between more interfaces.
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

// addPort begins to forward from and to an interface. The gate is right before anything leaves.
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

// describe notes what the program has to know of an interface.
func (p *Plane) describe(port *port, l links.Link) {
	port.is.mtu = uint32(l.MTU)
	copy(port.is.address[:], l.HardwareAddr)
	o := p.maps.outputs.at(port.slot)
	o.address = port.is.address
	atomic.StoreUint32(&o.mtu, port.is.mtu)
}

// portOf returns the port of a name, a new one when there is none.
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

// forgetUnused forgets a port that was not told and that no list names.
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

// setIncoming says whether streams may come in at an interface.
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

// attach puts the program behind the ingress hook of an interface.
func (p *Plane) attach(ifindex int) (hook link.Link, err error) {
	err = p.inside(func() (err error) {
		hook, err = link.AttachTCX(link.TCXOptions{Interface: ifindex, Program: p.program, Attach: ebpf.AttachTCXIngress})
		return err
	})
	return hook, err
}

// detach takes the program away, even if others have the hook open.
func detach(hook link.Link) {
	if hook == nil {
		return
	}
	if raw, ok := hook.(interface{ Detach() error }); ok {
		_ = raw.Detach() // fails when the interface is gone
	}
	hook.Close()
}

// attached reports whether the program is at an interface.
func attached(hook link.Link) bool {
	info, err := hook.Info()
	return err == nil && info.TCX() != nil && info.TCX().Ifindex != 0
}

// restoreHooks puts the program back where somebody else has taken it away.
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
		if hook, err := p.attach(port.told.Index); err == nil { // else the interface is gone
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
