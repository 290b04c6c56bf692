package kernel

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/event"
	"tandem/internal/fib"
	"tandem/internal/linux/gate"
	"tandem/internal/task"
)

const (
	// gateInterval is the time between two comparisons of the kernel's gate with the wanted
	// one.
	gateInterval = 10 * time.Second
	// gateAgain is how soon a failed change is tried again. It is short because the gate
	// decides which device sends.
	gateAgain = 100 * time.Millisecond
)

// gateKeeper keeps the kernel's gate equal to the wanted one.
type gateKeeper struct {
	gate *gate.Gate
	emit func(event.Event)
	wake chan struct{} // signals that the gate is stale; one signal can wait

	mu    sync.Mutex // guards the fields below; held by the goroutine that sets the kernel's gate to want
	want  gate.State
	stale bool // the kernel does not have want yet
	gone  bool
}

func newGateKeeper(g *gate.Gate, initial device.Gate, emit func(event.Event)) *gateKeeper {
	return &gateKeeper{gate: g, emit: emit, wake: make(chan struct{}, 1), want: gateState(initial)}
}

// gateState converts a gate into the type of package gate.
func gateState(g device.Gate) gate.State {
	s := gate.State{Closed: g.Closed, Bucket0: g.Bucket0, Bucket1: g.Bucket1, Seed: etrunk.HashSeed}
	for _, stream := range g.Exceptions {
		s.Exceptions = append(s.Exceptions, gate.SG(stream))
	}
	return s
}

// open sets the first gate.
func (k *gateKeeper) open() error {
	if err := k.gate.Sync(k.want); err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	return nil
}

// remove removes the gate from the kernel.
func (k *gateKeeper) remove() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.gone = true
	return k.gate.Close(true)
}

// SetGate implements [fib.Plane].
func (p *Plane) SetGate(g device.Gate) { p.gate.set(gateState(g)) }

func (k *gateKeeper) set(want gate.State) {
	k.mu.Lock()
	defer k.mu.Unlock()
	want.Counted, want.Guarded, want.Control = k.want.Counted, k.want.Guarded, k.want.Control
	k.apply(want)
}

// setInterfaces sets the counted interfaces, whose outgoing packets are counted, and the
// guarded ones, on which control traffic is refused.
func (k *gateKeeper) setInterfaces(counted, guarded []string, control []gate.Port) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if w := &k.want; !slices.Equal(counted, w.Counted) || !slices.Equal(guarded, w.Guarded) || !slices.Equal(control, w.Control) {
		want := k.want
		want.Counted, want.Guarded, want.Control = counted, guarded, control
		k.apply(want)
	}
}

// guards lists the interfaces on which ports are refused, and these ports.
func guards(list []fib.Interface) (guarded []string, control []gate.Port) {
	for _, told := range list {
		if len(told.Refused) == 0 {
			continue
		}
		guarded = append(guarded, told.Name)
		for _, p := range told.Refused {
			if port := gate.Port(p); !slices.Contains(control, port) {
				control = append(control, port)
			}
		}
	}
	slices.Sort(guarded)
	return guarded, control
}

func (k *gateKeeper) apply(want gate.State) {
	k.want = want
	err := k.gate.Apply(want)
	if err != nil {
		k.emit(event.GateNotSet.With(err))
	}
	k.note(err)
}

// wanted returns the wanted gate.
func (k *gateKeeper) wanted() gate.State {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.want
}

// keep compares the kernel's gate every gateInterval, and sooner while it is stale.
func (k *gateKeeper) keep(ctx context.Context) error {
	timer := time.NewTimer(gateInterval)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-k.wake:
			timer.Reset(gateAgain)
		case <-timer.C:
			timer.Reset(gateInterval)
			k.repair()
		}
	}
}

// watch repairs changes by others as soon as the kernel reports them, if the kernel cannot
// prevent such changes.
func (k *gateKeeper) watch(ctx context.Context) error {
	if k.gate.Protection() != gate.Unprotected {
		return nil
	}
	watcher, err := k.gate.Watch()
	if err != nil {
		k.emit(event.SocketFailed.With("nftables", err))
		return nil // the comparison by keep still finds such changes
	}
	defer watcher.Close()
	defer context.AfterFunc(ctx, func() { watcher.Close() })()
	for {
		k.repair()
		if !task.Pause(ctx, watchPause) {
			return nil
		}
		err := watcher.Wait()
		if err != nil && !task.ReadAgain(ctx, err, func(err error) { k.emit(event.SocketFailed.With("nftables", err)) }) {
			return nil
		}
	}
}

// repair restores the gate if another program has changed it.
func (k *gateKeeper) repair() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.gone {
		return
	}
	before := k.gate.Repairs()
	err := k.gate.Sync(k.want)
	switch {
	case err != nil:
		k.emit(event.GateNotRepaired.With(err))
	case k.gate.Repairs() > before:
		k.emit(event.GateRepaired.With(k.gate.Repairs()))
	}
	k.note(err)
}

// note records whether the last change of the gate has succeeded. If not, it requests
// another try.
func (k *gateKeeper) note(err error) {
	if k.stale = err != nil; !k.stale {
		return
	}
	select {
	case k.wake <- struct{}{}:
	default: // a try is already requested
	}
}

// Conditions implements [fib.Plane].
func (p *Plane) Conditions() []event.Condition {
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	if !p.gate.stale {
		return nil
	}
	return []event.Condition{{AlarmKind: event.GateStale, Object: "gate"}}
}

// state returns the state of the gate. The kernel's counters are zero if they cannot be
// read because another program has changed the gate.
func (k *gateKeeper) state() fib.GateState {
	k.mu.Lock()
	defer k.mu.Unlock()
	drops, _ := k.gate.Drops()
	return fib.GateState{
		Closed: slices.Clone(k.want.Closed), Bucket0: slices.Clone(k.want.Bucket0), Bucket1: slices.Clone(k.want.Bucket1),
		Exceptions:    len(k.want.Exceptions),
		DroppedClosed: drops.Closed, DroppedBucket0: drops.Bucket0, DroppedBucket1: drops.Bucket1, DroppedControl: drops.Control,
		Repairs: k.gate.Repairs(),
	}
}
