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

// Names of the files in which the sockets of the table and of the gate are handed over.
const (
	tableFile = "mroute"
	gateFile  = "gate"
)

// FileNames are the names of all files that a plane may hand over.
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

// inherit takes over what the predecessor's plane has left, if it can use it.
func (p *Plane) inherit(left fib.Checkpoint) {
	defer left.Files.Close() // files that this plane does not know
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
	p.askForAudit() // others may have changed the table meanwhile
}
