package daemon

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"reflect"
)

// ownedFile is a file of the run directory: what was done to links. Like the
// links themselves it is gone after a reboot, and it outlives a daemon that dies.
const ownedFile = "links.json"

// owned is what this daemon, or one before it, has done to links and will undo
// when it is not wanted any more. All is by Linux name.
type owned struct {
	// Created holds the indices of the bonds and sub-interfaces made here.
	Created map[string]int
	// Ports are the interfaces that were put into bonds.
	Ports map[string]ownedPort
	// VRFs holds the indices of the VRFs made here, Bound the VRFs that interfaces were
	// put into.
	VRFs  map[string]int
	Bound map[string]string
	// Actors are the LACP systems that adopted bonds had before.
	Actors map[string]ownedActor
	// Addresses are the Ethernet addresses that interfaces had before.
	Addresses map[string]net.HardwareAddr

	saved *owned
}

type ownedPort struct {
	Bond string
	Up   bool // it was up before
}

type ownedActor struct {
	Priority uint16
	System   [6]byte
}

func newOwned() owned {
	return owned{Created: map[string]int{}, Ports: map[string]ownedPort{}, VRFs: map[string]int{}, Bound: map[string]string{},
		Actors: map[string]ownedActor{}, Addresses: map[string]net.HardwareAddr{}}
}

// readOwned returns what a daemon before this one left.
func readOwned(runDir string) (owned, error) {
	o := newOwned()
	text, err := os.ReadFile(filepath.Join(runDir, ownedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return o, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &o)
	}
	return o, err
}

// save writes the record down if it has changed, before anybody can die.
func (o *owned) save(runDir string) error {
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	now := newOwned()
	if err := json.Unmarshal(text, &now); err != nil {
		return err
	}
	if o.saved != nil && reflect.DeepEqual(*o.saved, now) {
		return nil
	}
	file := filepath.Join(runDir, ownedFile)
	if err := os.WriteFile(file+".new", text, 0o644); err != nil {
		return err
	}
	if err := os.Rename(file+".new", file); err != nil {
		return err
	}
	o.saved = &now
	return nil
}

func (o *owned) empty() bool {
	return len(o.Created)+len(o.Ports)+len(o.Actors)+len(o.Addresses) == 0
}
