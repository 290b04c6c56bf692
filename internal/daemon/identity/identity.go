// Package identity makes sure that only one daemon uses a run directory, and that a device
// keeps its identity after a restart.
package identity

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"tandem/internal/config"
)

// ErrRunning means that another daemon uses the run directory.
var ErrRunning = errors.New("another tandemd is running here")

// Lock locks the run directory for this process until it ends, and writes the pid file.
// It returns ErrRunning if another process holds the lock. If the lock is inherited, this
// process holds it already.
func Lock(runDir string, inherited *os.File) (*os.File, error) {
	if inherited != nil {
		return inherited, writePID(inherited)
	}
	if err := os.MkdirAll(runDir, 0o755); err != nil {
		return nil, err
	}
	path := filepath.Join(runDir, "tandemd.pid")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_CLOEXEC, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		var pid [16]byte
		n, _ := f.Read(pid[:])
		return nil, fmt.Errorf("%w: pid %s holds %s", ErrRunning, strings.TrimSpace(string(pid[:n])), path)
	}
	return f, writePID(f)
}

func writePID(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt(fmt.Appendln(nil, os.Getpid()), 0)
	return err
}

// DeviceID reads the device's ID from the state directory, so that the device has the
// same ID after a restart. If there is none, it makes one.
func DeviceID(stateDir string) (uint64, error) {
	path := filepath.Join(stateDir, "device-id")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return newDeviceID(path)
	}
	if err != nil {
		return 0, err
	}
	id, err := strconv.ParseUint(strings.TrimSpace(string(text)), 16, 64)
	if err != nil || id == 0 {
		return 0, fmt.Errorf("%s: not a device ID of 16 hexadecimal digits", path)
	}
	return id, nil
}

// newDeviceID makes an ID and writes it to a file. The file is complete or missing, even
// after a power failure.
func newDeviceID(path string) (uint64, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return 0, err
	}
	var b [8]byte
	rand.Read(b[:]) // reading random bytes never fails
	id := binary.BigEndian.Uint64(b[:]) | 1
	return id, config.WriteFile(path, fmt.Appendf(nil, "%016x\n", id))
}
