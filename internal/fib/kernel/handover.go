package kernel

import (
	"bytes"
	"encoding/gob"
	"fmt"

	"tandem/internal/fib"
	"tandem/internal/linux/gate"
	"tandem/internal/linux/inherit"
	"tandem/internal/linux/mroute"
)

// Names under which the descriptors of the table's and the gate's sockets are handed
// over.
const (
	tableFile = "mroute"
	gateFile  = "gate"
)

// FileNames lists the names of all descriptors that a plane may hand over.
var FileNames = []string{tableFile, gateFile}

// checkpoint is the state that a plane hands over besides its sockets.
type checkpoint struct {
	MIFs     []int          // interface index by number in the table, 0 for none
	Attached map[string]int // interface index by Linux name
	Gate     gate.State
	Repairs  fib.Repairs
}

// HandOver implements [fib.Plane].
func (p *Plane) HandOver() (fib.Checkpoint, error) {
	socket, mifs := p.table.HandOver()
	var state bytes.Buffer
	err := gob.NewEncoder(&state).Encode(checkpoint{
		MIFs: mifs, Attached: p.interfaces.attached, Gate: p.gate.wanted(), Repairs: p.repairs,
	})
	if err != nil {
		return fib.Checkpoint{}, fmt.Errorf("state of the forwarding table: %w", err)
	}
	owner, err := p.gate.gate.HandOver()
	if err != nil {
		return fib.Checkpoint{}, fmt.Errorf("gate: %w", err)
	}
	files := inherit.Files{{Name: tableFile, File: socket}, {Name: gateFile, File: owner}}
	return fib.Checkpoint{State: state.Bytes(), Files: files}, nil
}

// inheritedGate returns the descriptor of the gate's socket, 0 if there is none.
func inheritedGate(files *inherit.Files) int {
	socket := files.One(gateFile)
	if socket == nil {
		return 0
	}
	fd, err := inherit.Descriptor(socket)
	if err != nil {
		return 0
	}
	return fd
}

// inherit takes over the state and the sockets of the predecessor's plane, if this plane
// can use them.
func (p *Plane) inherit(left fib.Checkpoint) {
	defer left.Files.Close() // closes the descriptors that this plane does not use
	var known checkpoint
	if gob.NewDecoder(bytes.NewReader(left.State)).Decode(&known) != nil {
		return
	}
	socket := left.Files.One(tableFile)
	if socket == nil {
		return
	}
	fd, err := inherit.Descriptor(socket)
	if err != nil {
		return
	}
	p.table, p.gate.want, p.repairs = mroute.Adopt(fd, known.MIFs), known.Gate, known.Repairs
	p.interfaces.adopt(known.Attached)
	p.askForAudit() // another program may have changed the table in the meantime
}
