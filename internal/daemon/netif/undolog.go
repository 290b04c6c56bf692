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

// undoLogFile is a file of the run directory. It remains when a daemon dies. Like the links
// that it names, it is gone after a reboot.
const undoLogFile = "links.json"

// undoLog is what this daemon, or one before it, has done to links. It is undone when the
// configuration no longer wants it. All names are Linux names.
type undoLog struct {
	// Created holds the indices of the bonds and sub-interfaces made here.
	Created map[string]int
	// Ports are the interfaces that were put into bonds.
	Ports map[string]undoPort
	// VRFs holds the indices of the VRFs made here. Bound gives the VRF of each interface
	// that was put into one.
	VRFs  map[string]int
	Bound map[string]string
	// Actors are the LACP systems that adopted bonds had before.
	Actors map[string]LACPSystem
	// Addresses are the Ethernet addresses that interfaces had before.
	Addresses map[string]net.HardwareAddr

	dir   string
	saved []byte // the text that the file has
}

type undoPort struct {
	Bond string
	Up   bool // the interface was up before
}

// readUndoLog reads the log that an earlier daemon has left in a run directory. If it returns
// an error, the returned log is empty but usable.
func readUndoLog(dir string) (undoLog, error) {
	u := undoLog{dir: dir, Created: map[string]int{}, Ports: map[string]undoPort{}, VRFs: map[string]int{}, Bound: map[string]string{},
		Actors: map[string]LACPSystem{}, Addresses: map[string]net.HardwareAddr{}}
	text, err := os.ReadFile(filepath.Join(dir, undoLogFile))
	if errors.Is(err, fs.ErrNotExist) {
		return u, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &u)
	}
	return u, err
}

// save writes the log to its file if it has changed. It runs right after a change of the links,
// so that the log survives a daemon that dies.
func (u *undoLog) save() error {
	text, err := json.Marshal(u)
	if err != nil || bytes.Equal(text, u.saved) {
		return err
	}
	file := filepath.Join(u.dir, undoLogFile)
	if err := os.WriteFile(file+".new", text, 0o644); err != nil {
		return err
	}
	if err := os.Rename(file+".new", file); err != nil {
		return err
	}
	u.saved = text
	return nil
}

// holdsTrunks reports whether bonds or sub-interfaces have to be undone.
func (u *undoLog) holdsTrunks() bool {
	return len(u.Created)+len(u.Ports)+len(u.Actors)+len(u.Addresses) > 0
}

// holdsVRFs reports whether VRFs have to be undone.
func (u *undoLog) holdsVRFs() bool { return len(u.VRFs)+len(u.Bound) > 0 }
