package daemon

import (
	"context"
	"time"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/journal"
	"tandem/internal/linux/inherit"
	"tandem/internal/task"
)

// Options are what a daemon needs beside its configuration.
type Options struct {
	RunDir   string // console socket, pid file, lock: gone after a reboot
	DeviceID uint64 // persistent, unlike the peer's
	Version  string // of the program, for the peer
	Journal  *journal.Journal
	// BFDHelper is the command line of the process that runs BFD, see
	// [bfdloop.Options]; empty for a thread of this one.
	BFDHelper []string
	// Recording is how many bytes of the device's inputs are kept, see [tape.Device].
	Recording int
	// Inherited is what a daemon before this one has handed over, see [Daemon.HandOver].
	Inherited inherit.Files
}

// Daemon is a device on Linux. Its exported methods may be called from any goroutine.
type Daemon struct {
	displays
	o *owners
}

// New prepares a daemon: netlink and BFD. Nothing is configured until Apply.
func New(opts Options) (*Daemon, error) {
	o, err := newOwners(opts)
	if err != nil {
		return nil, err
	}
	return &Daemon{displays{o}, o}, nil
}

// Run begins the turns and sees to it that there is one when something is due. When
// ctx ends it hands over to the peer, closes everything and returns nil.
func (d *Daemon) Run(ctx context.Context) error {
	o := d.o
	defer d.close()
	if err := o.loop.Begin(o.firstLinks); err != nil {
		return err
	}
	o.tasks.Go("timer", o.loop.Run)
	o.tasks.Go("link monitor", o.readLinks)
	o.tasks.Go("BFD events", o.bfd.Run)
	o.tasks.Go("samples", o.takeSamples)
	select {
	case <-ctx.Done():
		_ = o.loop.Call(d.retire) // else it is handing over, and ends by that
		<-o.ending.over
	case <-o.ending.over:
	}
	return d.leave()
}

// WhileAlive calls f now and then, as long as turns can be taken, until ctx ends.
func (d *Daemon) WhileAlive(ctx context.Context, every time.Duration, f func()) {
	for d.o.loop.Call(f) == nil && task.Pause(ctx, every) {
	}
}

// retire begins the end, which waits for the peer.
func (d *Daemon) retire() {
	d.o.ending.ask(time.Now())
	d.o.opts.Journal.Emit(event.Stopping.With())
	d.o.router.Handle(device.Retire{})
}

// leave ends the turns. Unless the daemon has failed it then gives up what others
// would otherwise believe in for a while: the legs, on which nobody will hear a
// report any more, the groups joined upstream and the connections to the peer.
func (d *Daemon) leave() error {
	d.o.loop.End()
	if d.o.ending.err != nil {
		return d.o.ending.err
	}
	d.o.netif.TakeLegsDown()
	if err := d.o.router.Configure(device.Settings{}); err != nil {
		return err
	}
	d.o.execute()
	d.o.netif.RemoveLinkLocals()
	return nil
}

// close closes everything, by which the readers end, and waits for all goroutines.
func (d *Daemon) close() {
	o := d.o
	o.bfd.Close()
	o.channels.Close()
	o.hellos.Close()
	o.routing.Disable()
	o.netif.Close()
	_ = o.readers.Stop() // none of them fails
	_ = o.tasks.Stop()
}
