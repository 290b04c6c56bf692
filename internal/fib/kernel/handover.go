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

// Names under which the sockets of the table and of the gate are handed over.
const (
	tableFile = "mroute"
	gateFile  = "gate"
)

// FileNames are the names of all files that a plane hands over.
var FileNames = []string{tableFile, gateFile}

// checkpoint is what a plane leaves beside its sockets.
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

// inheritedGate takes the descriptor of the gate's socket, 0 where there is none.
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

// inherit goes on with what the plane of another program has left, if it can.
func (p *Plane) inherit(left fib.Checkpoint) {
	defer left.Files.Close() // what it does not know
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
