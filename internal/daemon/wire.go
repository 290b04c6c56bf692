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
	"tandem/internal/instant"
	"tandem/internal/linux/clock"
	"tandem/internal/tape"
	"tandem/internal/task"
)

// StallLimit is how long the daemon may go without finishing a turn. After that its BFD
// sessions go down, so that the peer takes over from a process that was stopped or hangs.
// Until then the kernel goes on forwarding, so the limit need not be short. It must be
// longer than the longest turn.
const StallLimit = 3 * time.Second

// beatInterval is how often an idle daemon takes a turn, to show that it is alive.
const beatInterval = StallLimit / 6

// sendAgainInterval is the time between two attempts to send messages that the kernel has
// refused.
const sendAgainInterval = time.Second

// newOwners makes the owners. They start with the state of the predecessor, if there is one.
func newOwners(opts Options) (*owners, error) {
	left, err := readPredecessor(opts.Inherited)
	if err != nil {
		opts.Journal.Emit(event.NotTakenOver.With(err))
	}
	o := &owners{
		opts:        opts,
		tasks:       task.NewGroup(context.Background()),
		readers:     task.NewGroup(context.Background()),
		router:      newRouter(opts, left),
		model:       config.New(),
		predecessor: left,
		ending:      newEnding(),
	}
	o.loop = o.newLoop()
	o.netif, err = netif.Open(netif.Options{RunDir: opts.RunDir, DeviceID: opts.DeviceID, News: linkNews{o}, State: left.Netif})
	if err != nil {
		return nil, err
	}
	o.links = o.netif.Links()
	o.hellos = hello.New(hello.Options{
		Loop: o.loop, Handle: o.router.Handle, Emit: opts.Journal.Emit, Readers: o.readers,
		Inherited: func(at netip.AddrPort, vpn string) *os.File { return left.bound(helloFile, at, vpn) },
	})
	o.routing = multicast.New(multicast.Options{
		Loop: o.loop, Device: o.router, Emit: opts.Journal.Emit, Links: o.links, Readers: o.readers, Inherited: left.routing,
		Changed: func(netdev string) { o.tellLink(o.netif.Told(o.links.Get(netdev))) },
	})
	o.channels = channel.New(channel.Options{
		Loop: o.loop, Handle: o.router.Handle, Emit: opts.Journal.Emit, Tasks: o.tasks, Own: opts.Certificate,
		Inherited: func(at netip.AddrPort) *os.File { return left.bound(rbsFile, at, "") },
	})
	o.bfd, err = bfdsession.Start(bfdsession.Options{
		Loop: o.loop, Handle: o.router.Handle, Emit: opts.Journal.Emit, Links: o.links, State: left.BFD,
		InterfaceChanged: o.interfaceChanged,
		BFD: bfdloop.Options{
			Origin: o.router.origin, Helper: opts.BFDHelper, StallLimit: StallLimit, Inherited: left.files.One(bfdFile),
		},
	})
	if err != nil {
		return nil, fmt.Errorf("BFD: %w", err)
	}
	return o, nil
}

// newRouter makes the device. After a graceful restart it keeps the time and the boot number of
// the first daemon.
func newRouter(opts Options, left *predecessor) *router {
	var random [8]byte
	_, _ = rand.Read(random[:]) // reading random bytes never fails
	origin, boot := time.Now(), binary.NativeEndian.Uint64(random[:])
	if left.exists() {
		origin, boot = origin.Add(left.Origin-clock.Monotonic()), left.Device.Boot
	}
	return &router{tape.New(opts.DeviceID, boot, time.Now(), instant.FromOrigin(time.Since(origin)), opts.Recording), origin}
}

// newLoop makes the event loop. Work that is due is done in the order given here.
func (o *owners) newLoop() *eventloop.Loop {
	return eventloop.New(eventloop.Options{
		Settle:   o.settle,
		Interval: beatInterval,
		Timed: []eventloop.Timed{
			{Due: o.router.due, Do: o.router.advance},
			{Due: func() time.Time { return o.netif.Due() }, Do: o.advanceLinks},
			eventloop.Every(alarmInterval, o.refreshAlarms),
			eventloop.Every(sendAgainInterval, func() { o.routing.SendAgain() }),
			eventloop.Every(sendAgainInterval, func() { o.hellos.Retry() }),
			{Due: o.ending.due, Do: o.ending.expire},
		},
	})
}

// settle carries out the effects of a turn.
func (o *owners) settle() {
	o.bfd.Beat()
	o.execute()
	o.ending.check(o.router.Retired())
}

// linkNews receives the reports of the owner of the interfaces.
type linkNews struct{ o *owners }

// LinkChanged reports a link to BFD and to the device.
func (n linkNews) LinkChanged(l device.LinkChanged) {
	index := l.Index
	if !l.Exists {
		index = 0
	}
	n.o.bfd.SetLink(l.Netdev, index, l.Up)
	n.o.tellLink(l)
}

// Emit logs an event.
func (n linkNews) Emit(e event.Event) { n.o.opts.Journal.Emit(e) }
