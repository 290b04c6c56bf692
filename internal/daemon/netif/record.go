package netif

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
)

// recordFile is a file of the run directory. Like the links it speaks of it is gone
// after a reboot, and it outlives a daemon that dies.
const recordFile = "links.json"

// record is what this daemon, or one before it, has done to links and undoes when the
// configuration does not want it any more. All is by Linux name.
type record struct {
	// Created holds the indices of the bonds and sub-interfaces made here.
	Created map[string]int
	// Ports are the interfaces that were put into bonds.
	Ports map[string]recordedPort
	// VRFs holds the indices of the VRFs made here, Bound the VRFs that interfaces were
	// put into.
	VRFs  map[string]int
	Bound map[string]string
	// Actors are the LACP systems that adopted bonds had before.
	Actors map[string]LACPSystem
	// Addresses are the Ethernet addresses that interfaces had before.
	Addresses map[string]net.HardwareAddr

	dir   string
	saved []byte // the file's text
}

type recordedPort struct {
	Bond string
	Up   bool // it was up before
}

// readRecord returns what a daemon before this one left in a run directory. With an
// error comes a record that can be used all the same.
func readRecord(dir string) (record, error) {
	r := record{dir: dir, Created: map[string]int{}, Ports: map[string]recordedPort{}, VRFs: map[string]int{}, Bound: map[string]string{},
		Actors: map[string]LACPSystem{}, Addresses: map[string]net.HardwareAddr{}}
	text, err := os.ReadFile(filepath.Join(dir, recordFile))
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	return r, err
}

// save writes the record down if it has changed, before anybody can die.
func (r *record) save() error {
	text, err := json.Marshal(r)
	if err != nil || bytes.Equal(text, r.saved) {
		return err
	}
	file := filepath.Join(r.dir, recordFile)
	if err := os.WriteFile(file+".new", text, 0o644); err != nil {
		return err
	}
	if err := os.Rename(file+".new", file); err != nil {
		return err
	}
	r.saved = text
	return nil
}

// holdsTrunks says that there is something to undo about bonds and sub-interfaces.
func (r *record) holdsTrunks() bool {
	return len(r.Created)+len(r.Ports)+len(r.Actors)+len(r.Addresses) > 0
}

// holdsVRFs says that there is something to undo about VRFs.
func (r *record) holdsVRFs() bool { return len(r.VRFs)+len(r.Bound) > 0 }
