package ebpf

import (
	"errors"
	"slices"
	"sync/atomic"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/fib"
)

// What an output lets pass: the two bits of one generation in output.gate.
const (
	passNothing uint32 = 0
	passBucket0 uint32 = 1
	passBucket1 uint32 = 2
	passAll     uint32 = 3
)

// gate is the plane's gate. A change writes the next generation, and then makes it the
// one that the program reads, by writing one word.
type gate struct {
	want    device.Gate
	word    uint32         // the generation in use, as in control.gate
	held    map[key]uint32 // the content of the map of exceptions; nil if it is unknown
	stale   bool           // setting want in the kernel has failed and is to be tried again
	repairs uint64
	dropped [3]uint64 // packets held back at outputs that are gone
}

// passes returns what a gate lets pass at each interface that it names.
func passes(g *device.Gate) map[string]uint32 {
	at := make(map[string]uint32, len(g.Closed)+len(g.Bucket0)+len(g.Bucket1))
	for _, name := range g.Bucket0 {
		at[name] = passBucket0
	}
	for _, name := range g.Bucket1 {
		if _, both := at[name]; both {
			at[name] = passNothing
		} else {
			at[name] = passBucket1
		}
	}
	for _, name := range g.Closed {
		at[name] = passNothing
	}
	return at
}

// passAt returns what a gate lets pass at an interface, by the result of passes.
func passAt(at map[string]uint32, name string) uint32 {
	if pass, named := at[name]; named {
		return pass
	}
	return passAll
}

// SetGate implements [fib.Plane].
func (p *Plane) SetGate(g device.Gate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gate.want = g
	if err := p.applyGate(); err != nil {
		p.router.Emit(event.GateNotSet.With(err))
	}
}

// applyGate puts the wanted gate into force. After an error the old one stays in force.
func (p *Plane) applyGate() error {
	next := (p.gate.word + 1) & generationMask
	at := passes(&p.gate.want)
	for name, port := range p.ports {
		port.is.gate = port.is.gate&^(3<<(2*next)) | passAt(at, name)<<(2*next)
		atomic.StoreUint32(&p.maps.outputs.at(port.slot).gate, port.is.gate)
	}
	err := p.except(next)
	if p.gate.stale = err != nil; p.gate.stale {
		p.gate.held = nil
		return err
	}
	p.gate.word = next
	if len(p.gate.want.Exceptions) > 0 {
		p.gate.word |= excepting
	}
	atomic.StoreUint32(&p.maps.control.at(0).gate, p.gate.word)
	return nil
}

// except writes the exceptions of a generation into the kernel's map.
func (p *Plane) except(generation uint32) error {
	if p.gate.held == nil {
		held, err := contents[uint32](p.maps.exceptions)
		if err != nil {
			return err
		}
		p.gate.held = held
	}
	held, bit := p.gate.held, uint32(1)<<generation
	unwanted := make(map[key]bool)
	for k, mask := range held {
		if mask&bit != 0 {
			unwanted[k] = true
		}
	}
	var set []key
	var masks []uint32
	for _, s := range p.gate.want.Exceptions {
		k := keyOf(s)
		delete(unwanted, k)
		if held[k]&bit == 0 {
			held[k] |= bit
			set, masks = append(set, k), append(masks, held[k])
		}
	}
	var gone []key
	for k := range unwanted {
		if held[k] &^= bit; held[k] == 0 {
			delete(held, k)
			gone = append(gone, k)
		} else {
			set, masks = append(set, k), append(masks, held[k])
		}
	}
	return errors.Join(update(p.maps.exceptions, set, masks), remove(p.maps.exceptions, gone))
}

// compareGate repairs the gate if another program has changed it. It reports whether it
// had to repair anything.
func (p *Plane) compareGate() (mended bool) {
	for _, port := range p.ports {
		o := p.maps.outputs.at(port.slot)
		if atomic.LoadUint32(&o.gate) != port.is.gate {
			atomic.StoreUint32(&o.gate, port.is.gate)
			mended = true
		}
	}
	if word := &p.maps.control.at(0).gate; atomic.LoadUint32(word) != p.gate.word {
		atomic.StoreUint32(word, p.gate.word)
		mended = true
	}
	return mended
}

// compareExceptions does the same for the exceptions.
func (p *Plane) compareExceptions() (mended bool, err error) {
	held, err := contents[uint32](p.maps.exceptions)
	if err != nil || p.gate.held == nil {
		return false, err
	}
	var set, gone []key
	var masks []uint32
	for k, mask := range p.gate.held {
		if held[k] != mask {
			set, masks = append(set, k), append(masks, mask)
		}
		delete(held, k)
	}
	for k := range held {
		gone = append(gone, k)
	}
	return len(set)+len(gone) > 0, errors.Join(update(p.maps.exceptions, set, masks), remove(p.maps.exceptions, gone))
}

// keepGate compares the gate once, and the exceptions if they are requested. If the last
// change has failed, it tries again.
func (p *Plane) keepGate(exceptions bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return
	}
	mended := p.compareGate()
	var err error
	if exceptions {
		var also bool
		also, err = p.compareExceptions()
		mended = mended || also
	}
	if err == nil && p.gate.stale {
		err = p.applyGate()
	}
	if err != nil {
		p.router.Emit(event.GateNotRepaired.With(err))
	} else if mended {
		p.gate.repairs++
		p.router.Emit(event.GateRepaired.With(p.gate.repairs))
	}
}

// Conditions implements [fib.Plane].
func (p *Plane) Conditions() []event.Condition {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.gate.stale {
		return nil
	}
	return []event.Condition{{AlarmKind: event.GateStale, Object: "gate"}}
}

// gateState returns the state of the gate, for displays.
func (p *Plane) gateState() fib.GateState {
	dropped := p.gate.dropped
	for _, port := range p.ports {
		for i := range dropped {
			dropped[i] += atomic.LoadUint64(&p.maps.outputs.at(port.slot).held[i])
		}
	}
	g := &p.gate
	return fib.GateState{
		Closed: slices.Clone(g.want.Closed), Bucket0: slices.Clone(g.want.Bucket0), Bucket1: slices.Clone(g.want.Bucket1),
		Exceptions:    len(g.want.Exceptions),
		DroppedClosed: dropped[heldClosed], DroppedBucket0: dropped[heldBucket0], DroppedBucket1: dropped[heldBucket1],
		Repairs: g.repairs,
	}
}
