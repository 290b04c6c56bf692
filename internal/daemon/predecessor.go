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
)

// HandOverVersion is the version of what one daemon hands to the next. It changes when a
// daemon could not go on from what another wrote; then a restart is an ordinary one.
const HandOverVersion = 5

// Names of what is handed on. The program adds its own.
const (
	checkpointFile = "state"
	helloFile      = "hello"
	rbsFile        = "rbs"
	bfdFile        = "bfd"
)

// HandedOn names everything that a daemon hands on.
func HandedOn() []string {
	return append([]string{checkpointFile, helloFile, rbsFile, bfdFile}, multicast.HandedOn...)
}

// checkpoint is what a daemon hands on beside open descriptors: what each owner knows.
type checkpoint struct {
	Version int
	// Origin is the origin of the device's time, as a reading of CLOCK_MONOTONIC.
	Origin  time.Duration
	Device  device.Checkpoint
	Netif   netif.State
	Routing multicast.Checkpoint
	BFD     bfdsession.State
}

// predecessor is what a daemon has left that has handed over to this one. The zero value is
// that of no such daemon.
type predecessor struct {
	checkpoint
	files inherit.Files // that nobody has taken yet
}

// exists says that there is one, of which the device has not been taken over yet.
func (p *predecessor) exists() bool { return p.Version != 0 }

// readPredecessor reads what a daemon before this one has left. It leaves out, and closes,
// what cannot be used: then the error says why.
func readPredecessor(files inherit.Files) (*predecessor, error) {
	file := files.One(checkpointFile)
	if file == nil {
		files.Close()
		return new(predecessor), nil
	}
	defer file.Close()
	p := &predecessor{files: files}
	// The offset is shared with whoever else has the file, so it stays at zero.
	err := gob.NewDecoder(io.NewSectionReader(file, 0, 1<<62)).Decode(&p.checkpoint)
	if err == nil && p.Version != HandOverVersion {
		err = fmt.Errorf("it is of version %d, this program takes version %d", p.Version, HandOverVersion)
	}
	if err != nil {
		p.forget()
	}
	return p, err
}

// forget closes what nobody has taken. There is no predecessor from then on.
func (p *predecessor) forget() {
	p.files.Close()
	*p = predecessor{}
}

// bound takes the socket of a name that is bound to an address, and to a device where that
// is not empty; nil where the predecessor has left none.
func (p *predecessor) bound(name string, at netip.AddrPort, device string) *os.File {
	return p.files.Bound(name, at, device)
}

// routing returns what its multicast routing has left.
func (p *predecessor) routing() (multicast.Checkpoint, *inherit.Files) { return p.Routing, &p.files }

// write puts a checkpoint into a file that is in memory only: it holds secrets, and is not
// to outlive those who have it open.
func (c *checkpoint) write() (*os.File, error) {
	fd, err := unix.MemfdCreate("tandem-state", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("memory for the state: %w", err)
	}
	f := os.NewFile(uintptr(fd), checkpointFile)
	if err := gob.NewEncoder(f).Encode(c); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
