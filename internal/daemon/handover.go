package daemon

import (
	"fmt"
	"os"
	"time"

	"tandem/internal/linux/clock"
	"tandem/internal/linux/inherit"
)

// A graceful restart has no effect outside the daemon. The kernel forwards with the table
// whose socket stays open, reports wait in the MLD socket, the BFD helper process keeps
// the BFD sessions up, and the successor starts with the state of its predecessor.

// handOverGrace is how much longer than StallLimit the BFD sessions wait for a successor.
// If no successor comes within that time, the sessions go down and the peer takes over.
const handOverGrace = 7 * time.Second

// HandOver hands everything over to a successor by calling pass. pass returns only if it
// fails. Then the daemon ends: Run returns the error, and the peer takes over.
func (d *Daemon) HandOver(pass func(inherit.Files) error) error {
	var hellos []*os.File
	stopped := d.o.loop.Call(func() {
		hellos = d.o.hellos.HandOver()
		d.o.loop.Drain()
	})
	if stopped != nil {
		return stopped
	}
	_ = d.o.readers.Stop() // each reader first passes on what it has read; the readers return no error
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

// leaveAll collects the state that each owner leaves to a successor. The hello sockets
// have been handed over before.
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
