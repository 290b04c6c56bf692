package daemon

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"time"

	"tandem/internal/config"
	"tandem/internal/daemon/bfdloop"
	"tandem/internal/daemon/bfdsession"
	"tandem/internal/daemon/channel"
	"tandem/internal/daemon/eventloop"
	"tandem/internal/daemon/hello"
	"tandem/internal/daemon/multicast"
	"tandem/internal/daemon/netif"
	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/journal"
	"tandem/internal/linux/inherit"
	"tandem/internal/status"
	"tandem/internal/tape"
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
	opts   Options
	origin time.Time // of the monotonic time

	device *tape.Device
	bfd    *bfdsession.Sessions
	netif  *netif.Owner

	loop *eventloop.Loop
	over chan struct{} // told when the daemon is to end
	// tasks are all goroutines, but for the readers of what can be handed to a
	// successor: those end at a hand-over, when they have told what they have read.
	tasks, readers *task.Group

	// Of whoever has the turn.
	model    *config.Model
	links    *netif.Links // those that netif knows
	routing  *multicast.Routing
	hellos   *hello.Sockets
	channels *channel.Channels
	legacy   *legacy // until the first configuration is in force
	failed   error   // ends the daemon
	// retirement is under way once the daemon was asked to end.
	retirement retirement
	board      status.Board
}

// New prepares a daemon: netlink and BFD. Nothing is configured until Apply.
func New(opts Options) (*Daemon, error) {
	var boot [8]byte
	if _, err := rand.Read(boot[:]); err != nil {
		return nil, err
	}
	origin, id := time.Now(), binary.NativeEndian.Uint64(boot[:])
	left, err := readLegacy(opts.Inherited)
	if err != nil {
		opts.Journal.Emit(event.NotTakenOver.With(err))
	}
	if left != nil {
		origin, id = origin.Add(left.Origin-monotonic()), left.Device.Boot
	}
	d := &Daemon{
		opts:    opts,
		origin:  origin,
		legacy:  left,
		device:  tape.New(opts.DeviceID, id, time.Now(), time.Since(origin), opts.Recording),
		over:    make(chan struct{}, 1),
		tasks:   task.NewGroup(context.Background()),
		readers: task.NewGroup(context.Background()),
		model:   config.New(),
	}
	interfaces := netif.Options{RunDir: opts.RunDir, DeviceID: opts.DeviceID, News: linkNews{d}}
	if left != nil {
		interfaces.State = left.Netif
	}
	if d.netif, err = netif.Open(interfaces); err != nil {
		return nil, err
	}
	d.links = d.netif.Links()
	d.loop = d.newLoop()
	device := &router{d.device, origin}
	d.hellos = hello.New(hello.Options{
		Loop: d.loop, Device: device, Log: opts.Journal, Readers: d.readers,
		Inherited: func(at netip.AddrPort, vpn string) *os.File { return d.inherited(helloFile, at, vpn) },
	})
	d.routing = multicast.New(multicast.Options{
		Loop: d.loop, Device: device, Log: opts.Journal, Links: d.links, Readers: d.readers, Inherited: d.inheritedRouting,
	})
	d.channels = channel.New(channel.Options{
		Loop: d.loop, Device: device, Log: opts.Journal, Tasks: d.tasks,
		Inherited: func(at netip.AddrPort) *os.File { return d.inherited(rbsFile, at, "") },
	})
	sessions := bfdsession.Options{
		Loop: d.loop, Device: device, Log: opts.Journal, Links: d.links, InterfaceChanged: d.followSession,
		BFD: bfdloop.Options{Origin: origin, Helper: opts.BFDHelper, StallLimit: StallLimit},
	}
	if left != nil {
		sessions.State, sessions.BFD.Inherited = left.BFD, left.files.One(bfdFile)
	}
	if d.bfd, err = bfdsession.Start(sessions); err != nil {
		return nil, fmt.Errorf("BFD: %w", err)
	}
	return d, nil
}

// Run begins the turns and sees to it that there is one when something is due. When
// ctx ends it hands over to the peer, closes everything and returns nil.
func (d *Daemon) Run(ctx context.Context) error {
	defer d.close()
	if err := d.loop.Begin(d.begin); err != nil {
		return err
	}
	d.tasks.Go("timer", d.loop.Run)
	d.tasks.Go("link monitor", d.readLinks)
	d.tasks.Go("BFD events", d.bfd.Run)
	d.tasks.Go("samples", d.takeSamples)
	select {
	case <-ctx.Done():
		_ = d.call(d.retire)
		<-d.over
	case <-d.over:
	}
	return d.leave()
}

// begin is the first turn.
func (d *Daemon) begin() error {
	first, err := d.netif.Read()
	if err != nil {
		return fmt.Errorf("link monitor: %w", err)
	}
	d.linksChanged(first)
	return nil
}

// retire begins the end, which waits for the peer.
func (d *Daemon) retire() {
	d.retirement.begin(time.Now())
	d.emit(event.Stopping.With())
	d.device.Handle(d.now(), device.Retire{})
}

// now is the monotonic time since the daemon, or the first that handed over to it, began.
func (d *Daemon) now() time.Duration { return time.Since(d.origin) }

// leave ends the turns. Unless the daemon has failed it then gives up what others
// would otherwise believe in for a while: the legs, on which nobody will hear a
// report any more, the groups joined upstream and the connections to the peer.
func (d *Daemon) leave() error {
	d.loop.End()
	if d.failed != nil {
		return d.failed
	}
	d.netif.TakeLegsDown()
	if err := d.device.Configure(d.now(), device.Settings{}); err != nil {
		return err
	}
	d.execute()
	return nil
}

// close closes everything, by which the readers end, and waits for all goroutines.
func (d *Daemon) close() {
	d.bfd.Close()
	d.channels.Close()
	d.hellos.Close()
	d.routing.Disable()
	d.netif.Close()
	_ = d.readers.Stop() // none of them fails
	_ = d.tasks.Stop()
}
