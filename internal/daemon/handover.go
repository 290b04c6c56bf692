package daemon

import (
	"encoding/gob"
	"fmt"
	"io"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/daemon/bfdsession"
	"tandem/internal/daemon/multicast"
	"tandem/internal/daemon/netif"
	"tandem/internal/device"
	"tandem/internal/linux/inherit"
	"tandem/internal/tape"
)

// A planned restart changes nothing outside: the kernel forwards on through the table
// whose socket stays open, reports wait in the MLD socket, the helper keeps the BFD
// sessions, and the daemon that follows begins where this one has ended.

// HandOverVersion is the version of what one daemon hands to the next. It changes when a
// daemon could not go on from what another wrote; then a restart is an ordinary one.
const HandOverVersion = 3

// handOverGrace is how much longer than StallLimit the BFD sessions wait for a
// successor. If it has not come by then the peer takes over.
const handOverGrace = 7 * time.Second

// Names of what is handed on. The program adds its own.
const (
	stateFile = "state"
	helloFile = "hello"
	rbsFile   = "rbs"
	bfdFile   = "bfd"
)

// HandedOn names everything that a daemon hands on.
func HandedOn() []string {
	return append([]string{stateFile, helloFile, rbsFile, bfdFile}, multicast.HandedOn...)
}

// handover is what a daemon hands on beside its sockets.
type handover struct {
	Version int
	Origin  time.Duration // of the monotonic time, as a reading of CLOCK_MONOTONIC
	Device  device.Checkpoint

	Routing multicast.Checkpoint
	Netif   netif.State
	BFD     bfdsession.State
}

// legacy is what the daemon before this one has left: nil once it has been taken over.
type legacy struct {
	handover
	files inherit.Files
}

// readLegacy takes what a daemon before this one has left, nil when there is nothing or
// nothing that can be used; the rest is closed.
func readLegacy(files inherit.Files) (*legacy, error) {
	file := files.One(stateFile)
	if file == nil {
		files.Close()
		return nil, nil
	}
	defer file.Close()
	l := &legacy{files: files}
	// The offset is shared with whoever else has the file, so it stays at zero.
	err := gob.NewDecoder(io.NewSectionReader(file, 0, 1<<62)).Decode(&l.handover)
	if err == nil && l.Version != HandOverVersion {
		err = fmt.Errorf("it is of version %d, this program takes version %d", l.Version, HandOverVersion)
	}
	if err != nil {
		files.Close()
		return nil, err
	}
	return l, nil
}

// inherited returns the socket of a name that is bound to an address, and to a device where
// that is not empty; nil where a daemon before this one has left none.
func (d *Daemon) inherited(name string, at netip.AddrPort, device string) *os.File {
	if d.legacy == nil {
		return nil
	}
	return d.legacy.files.Bound(name, at, device)
}

// inheritedRouting is what the multicast routing of a daemon before this one has left.
func (d *Daemon) inheritedRouting() (left multicast.Checkpoint, files *inherit.Files) {
	if d.legacy == nil {
		return left, nil
	}
	return d.legacy.Routing, &d.legacy.files
}

// monotonic reads the clock that all processes of the machine share.
func monotonic() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // cannot fail for this clock
	return time.Duration(ts.Nano())
}

// HandOver hands everything to a successor by way of pass, which returns only on an
// error. Such an error ends the daemon: Run returns it, and the peer takes over.
func (d *Daemon) HandOver(pass func(inherit.Files) error) error {
	var files inherit.Files
	s := handover{Version: HandOverVersion}
	if err := d.call(func() { files = d.stopReaders(); d.loop.Drain() }); err != nil {
		return err
	}
	_ = d.readers.Stop() // they tell what they have read; none of them fails
	var err error
	if stopped := d.turn(func() {
		if err = d.handOver(&s, files, pass); err != nil {
			d.failed = fmt.Errorf("hand over: %w", err)
		}
	}); stopped != nil {
		return stopped
	}
	return err
}

// Record writes what the device was told lately, without its secrets.
func (d *Daemon) Record(w io.Writer) error {
	var r tape.Recording
	if stopped := d.call(func() { r = d.device.Recording(d.now()) }); stopped != nil {
		return stopped
	}
	return r.Write(w)
}

// stopReaders takes the sockets from the readers.
func (d *Daemon) stopReaders() (files inherit.Files) {
	for _, socket := range d.hellos.HandOver() {
		files = append(files, inherit.File{Name: helloFile, File: socket})
	}
	return files
}

func (d *Daemon) handOver(s *handover, files inherit.Files, pass func(inherit.Files) error) error {
	add := func(name string, f *os.File) { files = append(files, inherit.File{Name: name, File: f}) }
	listeners, err := d.channels.HandOver()
	if err != nil {
		return err
	}
	for _, l := range listeners {
		add(rbsFile, l)
	}
	var left inherit.Files
	if s.Routing, left, err = d.routing.HandOver(); err != nil {
		return err
	}
	files = append(files, left...)
	s.remember(d)
	var helper *os.File
	if s.BFD, helper, err = d.bfd.HandOver(handOverGrace); err != nil {
		return err
	}
	if helper != nil {
		add(bfdFile, helper)
	}
	memory, err := s.write()
	if err != nil {
		return err
	}
	add(stateFile, memory)
	return pass(files)
}

// remember copies what the daemon knows.
func (s *handover) remember(d *Daemon) {
	s.Origin = monotonic() - d.now()
	s.Device = d.device.Checkpoint(d.now())
	s.Netif = d.netif.State()
}

// write puts the state into a file that is in memory only: it holds secrets, and is not
// to outlive those who have it open.
func (s *handover) write() (*os.File, error) {
	fd, err := unix.MemfdCreate("tandem-state", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("memory for the state: %w", err)
	}
	f := os.NewFile(uintptr(fd), stateFile)
	if err := gob.NewEncoder(f).Encode(s); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
