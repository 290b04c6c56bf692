package kernel

import (
	"context"
	"fmt"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/fib"
	"tandem/internal/linux/gate"
	"tandem/internal/linux/mroute"
	"tandem/internal/task"
)

// mainTable is the kernel's multicast forwarding table for all packets.
const mainTable = 0

// Plane is the kernel's forwarding plane and the goroutines that repair it. It implements
// [fib.Plane].
type Plane struct {
	router  fib.Router
	ctx     context.Context // cancelled when the plane is closed
	end     context.CancelFunc
	gate    *gateKeeper
	table   *mroute.Table
	watcher *mroute.Watcher
	lister  *mroute.Reader // lists the whole table, for the audit
	suspect chan struct{}  // requests an audit; one request can wait
	// arriving watches which streams come in.
	arriving *arriving

	interfaces interfaces
	// Used only by the goroutine that has the turn.
	reader  *mroute.Reader // reads single routes
	repairs fib.Repairs
	route   mroute.Route // memory for SetRoutes
}

// Open takes the multicast forwarding table of the thread's network namespace, which only
// one process can own, and sets the gate; see [fib.Open]. An error wraps the error of
// package mroute that caused it, if any.
func Open(router fib.Router, initial device.Gate, left fib.Checkpoint) (fib.Plane, error) {
	return open(router, gate.Options{}, initial, left)
}

// open is Open with options for the gate.
func open(router fib.Router, o gate.Options, initial device.Gate, left fib.Checkpoint) (*Plane, error) {
	o.Socket = inheritedGate(&left.Files)
	g, err := gate.Open(o)
	if err != nil {
		left.Files.Close()
		return nil, fmt.Errorf("gate: %w", err)
	}
	p := &Plane{router: router, gate: newGateKeeper(g, initial, router.Emit), suspect: make(chan struct{}, 1)}
	p.ctx, p.end = context.WithCancel(context.Background())
	p.inherit(left)
	err = p.openTable()
	if err == nil {
		err = p.gate.open()
	}
	if err == nil {
		p.lister, err = mroute.NewReader(mainTable)
	}
	if err == nil {
		p.arriving = newArriving(router, p.table)
	}
	if err != nil {
		p.end()
		p.closeTable()
		_ = g.Close(false) // the gate in the kernel may belong to another daemon, so it stays
		return nil, err
	}
	return p, nil
}

// openTable opens the table, unless it was inherited, and its watcher and readers.
func (p *Plane) openTable() (err error) {
	if p.table == nil {
		p.table, err = mroute.Open(mainTable)
	}
	if err == nil {
		p.reader, err = mroute.NewReader(mainTable)
	}
	if err == nil {
		p.watcher, err = mroute.Watch(mainTable)
	}
	if err != nil {
		return fmt.Errorf("multicast routing: %w", err)
	}
	return nil
}

// closeTable closes the table, its watcher and its readers. The kernel then removes its
// routes and interfaces.
func (p *Plane) closeTable() {
	if p.table != nil {
		p.table.Close()
	}
	if p.reader != nil {
		p.reader.Close()
	}
	if p.watcher != nil {
		p.watcher.Close()
	}
}

// Run implements [fib.Plane].
func (p *Plane) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, p.end)()
	defer context.AfterFunc(p.ctx, p.interrupt)()
	tasks := task.NewGroup(p.ctx)
	tasks.Go("multicast upcalls", p.readUpcalls)
	tasks.Go("forwarding table changes", p.readChanges)
	tasks.Go("forwarding table audit", p.keepAuditing)
	tasks.Go("gate", p.gate.keep)
	tasks.Go("gate changes", p.gate.watch)
	tasks.Go("packets that leave", p.watchLeaving)
	tasks.Go("streams that arrive", p.arriving.run)
	err := tasks.Wait()
	p.lister.Close()
	return err
}

// interrupt ends the system calls in which the goroutines wait.
func (p *Plane) interrupt() {
	p.table.Interrupt()
	p.watcher.Close()
}

// Close implements [fib.Plane]. It removes the gate last, so that no packet passes before
// the routes are gone.
func (p *Plane) Close() error {
	p.end()
	p.arriving.close(false)
	p.closeTable()
	return p.gate.remove()
}

// State implements [fib.Plane].
func (p *Plane) State() fib.State {
	return fib.State{Gate: p.gate.state(), Repairs: p.repairs}
}

// turn runs f in a turn unless the plane has ended.
func (p *Plane) turn(f func(fib.Wanted)) bool {
	open := false
	had := p.router.Turn(func(w fib.Wanted) {
		if open = p.ctx.Err() == nil; open {
			f(w)
		}
	})
	return had && open
}

// mayReadOn reports whether a goroutine should go on reading after an error, see
// [task.ReadAgain].
func (p *Plane) mayReadOn(what string, err error) bool {
	return task.ReadAgain(p.ctx, err, func(err error) { p.router.Emit(event.SocketFailed.With(what, err)) })
}
