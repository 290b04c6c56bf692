package ebpf

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/cilium/ebpf"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/fib"
	"tandem/internal/linux/links"
	"tandem/internal/linux/mroute"
	"tandem/internal/task"
)

// ErrUnsupported says that the kernel lacks what the plane needs, or does not permit it:
// Linux 6.6 or newer, CAP_BPF and CAP_NET_ADMIN.
var ErrUnsupported = errors.New("no forwarding by BPF (Linux 6.6, CAP_BPF and CAP_NET_ADMIN are needed)")

// Plane is a BPF program, the maps that it reads, and the goroutines that keep both
// right. It implements [fib.Plane].
type Plane struct {
	router  fib.Router
	inside  func(func() error) error // runs a function in the network namespace of the plane
	ctx     context.Context          // cancelled when the plane is closed
	end     context.CancelFunc
	table   *mroute.Table // owned so that no other program forwards
	links   *links.Handle
	program *ebpf.Program

	mu      sync.Mutex // guards all fields below; must not be held when a turn is taken
	maps    maps
	ports   map[string]*port // the ports, by Linux name
	bySlot  []*port          // the ports by slot, nil in a free slot
	lists   lists
	slots   slots
	routes  map[key]known
	gate    gate
	repairs fib.Repairs

	arriving arriving
}

// Open loads the program and takes the multicast forwarding table of the thread's network
// namespace; see [fib.Open]. An error wraps [ErrUnsupported], or the error of package
// mroute that caused it.
func Open(router fib.Router, initial device.Gate, left fib.Checkpoint) (fib.Plane, error) {
	return open(router, func(f func() error) error { return f() }, initial, left)
}

// open is Open; inside runs a function in the network namespace of the plane.
func open(router fib.Router, inside func(func() error) error, initial device.Gate, left fib.Checkpoint) (*Plane, error) {
	defer left.Files.Close() // closes the descriptors that the plane does not use
	p := &Plane{router: router, inside: inside, ports: make(map[string]*port), routes: make(map[key]known)}
	p.gate.want, p.arriving.wake = initial, make(chan struct{}, 1)
	p.ctx, p.end = context.WithCancel(context.Background())
	p.lists = newLists(&p.maps.lists)
	err := p.inherit(&left)
	if err == nil && p.table == nil {
		left.Files.Close() // the table's descriptor may be among them
		err = p.begin()
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// Able returns why this kernel cannot have such a plane, as far as this can be found out
// while another plane forwards. The error wraps [ErrUnsupported].
func Able() error {
	p := &Plane{inside: func(f func() error) error { return f() }, end: func() {}}
	defer p.close()
	return p.load(new(fib.Checkpoint))
}

// begin opens the table, the maps and the program without a predecessor.
func (p *Plane) begin() (err error) {
	if err = p.inside(func() (err error) { p.table, err = mroute.Open(0); return err }); err != nil {
		return fmt.Errorf("multicast routing: %w", err)
	}
	if err = p.load(new(fib.Checkpoint)); err != nil {
		return err
	}
	return p.applyGate()
}

// load opens the maps, those of the predecessor if it has left any, and loads the program
// with them.
func (p *Plane) load(left *fib.Checkpoint) (err error) {
	if p.links, err = links.OpenIn(p.inside); err != nil {
		return err
	}
	if err = p.maps.open(&left.Files); err == nil {
		p.program, err = ebpf.NewProgram(forwarding(&p.maps))
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	return nil
}

// Run implements [fib.Plane].
func (p *Plane) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, p.end)()
	upcalls, err := p.readerOfUpcalls()
	if err != nil {
		return err
	}
	monitor, err := links.WatchIn(p.inside)
	if err != nil {
		upcalls.Close()
		return err
	}
	defer context.AfterFunc(p.ctx, func() {
		upcalls.Close()
		monitor.Close()
	})()
	tasks := task.NewGroup(p.ctx)
	tasks.Go("multicast upcalls", func(context.Context) error { return p.readUpcalls(upcalls) })
	tasks.Go("multicast interfaces", func(context.Context) error { return p.followLinks(monitor) })
	tasks.Go("streams that arrive", p.watchArriving)
	tasks.Go("gate", p.keepComparing)
	tasks.Go("forwarding table audit", p.keepAuditing)
	return tasks.Wait()
}

// Close implements [fib.Plane].
func (p *Plane) Close() error {
	p.end()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.close()
	return nil
}

func (p *Plane) close() {
	p.end()
	for _, port := range p.ports {
		if port.hook != nil {
			detach(port.hook)
		}
	}
	p.maps.close()
	p.program.Close()
	if p.table != nil {
		p.table.Close()
	}
	if p.links != nil {
		p.links.Close()
	}
}

// State implements [fib.Plane].
func (p *Plane) State() fib.State {
	p.mu.Lock()
	defer p.mu.Unlock()
	return fib.State{Gate: p.gateState(), Repairs: p.repairs}
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

// followLinks updates hardware addresses and MTUs when those of the interfaces change.
func (p *Plane) followLinks(monitor *links.Monitor) error {
	for {
		changed, err := monitor.Read()
		if err != nil {
			if p.mayReadOn("interfaces", err) {
				continue
			}
			return nil
		}
		p.mu.Lock()
		for _, l := range changed {
			at := slices.IndexFunc(p.bySlot, func(port *port) bool { return port != nil && port.told.Index == l.Index })
			if at >= 0 && l.Exists && p.ctx.Err() == nil {
				p.describe(p.bySlot[at], l)
			}
		}
		p.mu.Unlock()
	}
}
