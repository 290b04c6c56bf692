package daemon

import (
	"context"
	"time"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/journal"
	"tandem/internal/linux/inherit"
	"tandem/internal/pki"
	"tandem/internal/task"
)

// Options are what a daemon needs beside its configuration.
type Options struct {
	RunDir   string // console socket, pid file, lock: a directory that is empty after a reboot
	DeviceID uint64 // persistent, different from the peer's
	// Certificate is the certificate that the device shows to its peer on the channels.
	// If it is nil, the device makes one that is lost when the daemon ends.
	Certificate *pki.Self
	Version     string // version of the program, reported to the peer
	Journal     *journal.Journal
	// BFDHelper is the command line of the process that runs BFD, see [bfdloop.Options]. If it
	// is empty, BFD runs on a thread of this process.
	BFDHelper []string
	// Recording is the size in bytes of the recording of the device's inputs, see
	// [tape.Device].
	Recording int
	// Inherited is what a predecessor has handed over, see [Daemon.HandOver].
	Inherited inherit.Files
}

// Daemon is a device on Linux. Its exported methods may be called from any goroutine.
type Daemon struct {
	displays
	o *owners
}

// New prepares a daemon with netlink and BFD. Nothing is configured until Apply.
func New(opts Options) (*Daemon, error) {
	if opts.Certificate == nil {
		var err error
		if opts.Certificate, err = pki.NewSelf(); err != nil {
			return nil, err
		}
	}
	o, err := newOwners(opts)
	if err != nil {
		return nil, err
	}
	return &Daemon{displays{o}, o}, nil
}

// Run runs the event loop. When ctx ends, it hands over to the peer, closes everything and
// returns nil.
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
		_ = o.loop.Call(d.retire) // an error means that the daemon is being handed over, and Run ends by that
		<-o.ending.over
	case <-o.ending.over:
	}
	return d.leave()
}

// WhileAlive calls f at an interval, each time in a turn, until ctx ends or no more turns
// are given.
func (d *Daemon) WhileAlive(ctx context.Context, every time.Duration, f func()) {
	for d.o.loop.Call(f) == nil && task.Pause(ctx, every) {
	}
}

// retire starts the orderly end, which waits for the peer.
func (d *Daemon) retire() {
	d.o.ending.ask(time.Now())
	d.o.opts.Journal.Emit(event.Stopping.With())
	d.o.router.Handle(device.Retire{})
}

// leave ends the turns. Unless the daemon has failed, it then takes the legs down,
// because it no longer receives reports there, leaves the groups joined upstream, and
// closes the connections to the peer. Otherwise switches, routers and the peer would take
// the daemon for alive for a while.
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

// close closes everything. Then the readers end, and close waits for all goroutines.
func (d *Daemon) close() {
	o := d.o
	o.bfd.Close()
	o.channels.Close()
	o.hellos.Close()
	o.routing.Disable()
	o.netif.Close()
	_ = o.readers.Stop() // the readers return no error
	_ = o.tasks.Stop()
}
