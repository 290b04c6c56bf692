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

// HandOverVersion is the version of the state that one daemon hands to the next. It changes
// when a daemon cannot continue from the state of an older one. Then a restart is an ordinary
// one, not a graceful one.
const HandOverVersion = 5

// Names of the files and sockets that are handed over. The main program adds its own.
const (
	checkpointFile = "state"
	helloFile      = "hello"
	rbsFile        = "rbs"
	bfdFile        = "bfd"
)

// HandedOn returns the names of everything that a daemon hands over.
func HandedOn() []string {
	return append([]string{checkpointFile, helloFile, rbsFile, bfdFile}, multicast.HandedOn...)
}

// checkpoint is the state of all owners, which a daemon hands over besides open
// descriptors.
type checkpoint struct {
	Version int
	// Origin is the origin of the device's time, as a reading of CLOCK_MONOTONIC.
	Origin  time.Duration
	Device  device.Checkpoint
	Netif   netif.State
	Routing multicast.Checkpoint
	BFD     bfdsession.State
}

// predecessor is what the daemon before this one has handed over. The zero value means that
// there was none.
type predecessor struct {
	checkpoint
	files inherit.Files // files that no owner has taken over yet
}

// exists reports whether there is a predecessor whose device has not been taken over yet.
func (p *predecessor) exists() bool { return p.Version != 0 }

// readPredecessor reads the state that the daemon before this one has handed over. It
// closes the files that cannot be used; the error then says why.
func readPredecessor(files inherit.Files) (*predecessor, error) {
	file := files.One(checkpointFile)
	if file == nil {
		files.Close()
		return new(predecessor), nil
	}
	defer file.Close()
	p := &predecessor{files: files}
	// Other processes share the file's offset, so it must stay at zero.
	err := gob.NewDecoder(io.NewSectionReader(file, 0, 1<<62)).Decode(&p.checkpoint)
	if err == nil && p.Version != HandOverVersion {
		err = fmt.Errorf("it is of version %d, this program takes version %d", p.Version, HandOverVersion)
	}
	if err != nil {
		p.forget()
	}
	return p, err
}

// forget closes the files that no owner has taken over. After that there is no
// predecessor.
func (p *predecessor) forget() {
	p.files.Close()
	*p = predecessor{}
}

// bound returns the predecessor's socket of a name that is bound to an address and, if
// device is not empty, to a device. It returns nil if there is none.
func (p *predecessor) bound(name string, at netip.AddrPort, device string) *os.File {
	return p.files.Bound(name, at, device)
}

// routing returns the state and the files of the predecessor's multicast routing.
func (p *predecessor) routing() (multicast.Checkpoint, *inherit.Files) { return p.Routing, &p.files }

// write writes a checkpoint to a file in memory. It is never written to disk, because it
// holds secrets.
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
