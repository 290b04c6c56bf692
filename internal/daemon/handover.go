package daemon

import (
	"fmt"
	"os"
	"time"

	"tandem/internal/linux/clock"
	"tandem/internal/linux/inherit"
)

// A graceful restart changes nothing outside: the kernel forwards on through the table
// whose socket stays open, reports wait in the MLD socket, the helper keeps the BFD
// sessions, and the daemon that follows begins where this one has ended.

// handOverGrace is how much longer than StallLimit the BFD sessions wait for a
// successor. If it has not come by then the peer takes over.
const handOverGrace = 7 * time.Second

// HandOver hands everything to a successor by way of pass, which returns only on an
// error. Such an error ends the daemon: Run returns it, and the peer takes over.
func (d *Daemon) HandOver(pass func(inherit.Files) error) error {
	var hellos []*os.File
	stopped := d.o.loop.Call(func() {
		hellos = d.o.hellos.HandOver()
		d.o.loop.Drain()
	})
	if stopped != nil {
		return stopped
	}
	_ = d.o.readers.Stop() // they tell what they have read; none of them fails
	var err error
	stopped = d.o.loop.Turn(func() {
		var files inherit.Files
		if files, err = d.leaveAll(hellos); err == nil {
			err = pass(files)
		}
		if err != nil {
			d.o.ending.fail(fmt.Errorf("hand over: %w", err))
		}
	})
	if stopped != nil {
		return stopped
	}
	return err
}

// leaveAll collects what each owner leaves to a successor. The hellos are left already.
func (d *Daemon) leaveAll(hellos []*os.File) (files inherit.Files, err error) {
	o := d.o
	add := func(name string, sockets ...*os.File) {
		for _, s := range sockets {
			files = append(files, inherit.File{Name: name, File: s})
		}
	}
	add(helloFile, hellos...)
	listeners, err := o.channels.HandOver()
	if err != nil {
		return nil, err
	}
	add(rbsFile, listeners...)
	c := checkpoint{
		Version: HandOverVersion, Origin: clock.Monotonic() - o.router.now().SinceOrigin(),
		Device: o.router.Checkpoint(), Netif: o.netif.State(),
	}
	var routing inherit.Files
	if c.Routing, routing, err = o.routing.HandOver(); err != nil {
		return nil, err
	}
	files = append(files, routing...)
	var helper *os.File
	if c.BFD, helper, err = o.bfd.HandOver(handOverGrace); err != nil {
		return nil, err
	}
	if helper != nil {
		add(bfdFile, helper)
	}
	memory, err := c.write()
	if err != nil {
		return nil, err
	}
	add(checkpointFile, memory)
	return files, nil
}
