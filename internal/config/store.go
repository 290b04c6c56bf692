package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Store keeps a device's configuration in a directory: the device key, a file for each of
// the last commits, and the saved configuration. A commit is durable. When only the daemon
// restarts, it uses the newest commit. When the machine restarts, it uses the saved
// configuration, if there is one. Files are replaced in one step and forced to the disk, so
// after a loss of power there is the old file or the new one. A Store is safe for
// concurrent use.
type Store struct {
	dir  string
	boot string // identifies this boot of the machine, empty if unknown
	keys *Keyring

	committing sync.Mutex // held during a whole commit

	mu      sync.Mutex // guards the fields below
	running *Model
	points  []Point
	trial   *trial // nil if there is none
	damage  []error
}

// Open opens the store in a directory, and makes the directory if needed. If a commit
// cannot be read, the one before it is used, see Damage. If none can be read, Open returns
// an error.
func Open(dir string) (*Store, error) {
	// Without the file, every start counts as a restart of the daemon only.
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return open(dir, strings.TrimSpace(string(boot)))
}

func open(dir, boot string) (*Store, error) {
	if err := os.MkdirAll(filepath.Join(dir, "commits"), 0o700); err != nil {
		return nil, fmt.Errorf("configuration store: %w", err)
	}
	keys, err := openKeyring(filepath.Join(dir, "device.key"))
	if err != nil {
		return nil, fmt.Errorf("configuration store: %w", err)
	}
	s := &Store{dir: dir, boot: boot, keys: keys}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("configuration store: %w", err)
	}
	return s, nil
}

func openKeyring(path string) (*Keyring, error) {
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key = newDeviceKey()
		err = WriteFile(path, key)
	}
	if err != nil {
		return nil, err
	}
	if len(key) != KeySize {
		return nil, fmt.Errorf("device key %s: %d bytes, not %d; put back a copy of it", path, len(key), KeySize)
	}
	return newKeyring(key)
}

// load reads the commits, newest first, until one is good, then the saved configuration. If
// there is neither, the store begins with New.
func (s *Store) load() error {
	entries, err := os.ReadDir(filepath.Join(s.dir, "commits"))
	if err != nil {
		return err
	}
	for _, entry := range slices.Backward(entries) {
		id, err := strconv.ParseUint(strings.TrimSuffix(entry.Name(), ".cfg"), 10, 64)
		if err != nil || !strings.HasSuffix(entry.Name(), ".cfg") {
			// An interrupted commit may have left this file. If it cannot be removed, it
			// does no harm.
			_ = os.Remove(filepath.Join(s.dir, "commits", entry.Name()))
			continue
		}
		m, point, err := s.read(id)
		if err != nil {
			s.damage = append(s.damage, fmt.Errorf("commit %d: %w", id, err))
			continue
		}
		s.points = append(s.points, point)
		if s.running == nil {
			s.running = m
		}
	}
	slices.Reverse(s.points)
	return s.startUp()
}

// startUp chooses the first running configuration. It is the newest commit if the machine
// has not restarted since. Otherwise, or if there is no commit, it is the saved
// configuration.
func (s *Store) startUp() error {
	saved, err := s.SavedModel()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if s.running == nil && len(s.damage) > 0 {
			return errors.Join(s.damage...)
		}
		if s.running == nil {
			s.running = New()
		}
		return nil
	case err != nil:
		s.damage = append(s.damage, fmt.Errorf("saved configuration: %w", err))
		if s.running == nil {
			return errors.Join(s.damage...)
		}
		return nil
	case s.running == nil:
		s.running = saved
	case s.machineStarted():
		s.restart(saved)
	}
	return nil
}

// machineStarted reports whether the machine has restarted since the newest commit.
func (s *Store) machineStarted() bool {
	boot := s.points[len(s.points)-1].Boot
	return boot != "" && s.boot != "" && boot != s.boot
}

// restart makes the saved configuration the newest commit. So the list of commits shows
// what happened, and the operator can return to the unsaved configuration.
func (s *Store) restart(saved *Model) {
	if _, differs := saved.difference(s.running); !differs {
		return
	}
	info := PointInfo{User: "startup", Description: "the machine was started: the saved configuration"}
	if _, err := s.install(info, saved, func(*Model) error { return nil }); err != nil {
		s.running, s.damage = saved, append(s.damage, err)
	}
}

// Keys returns the keyring of the device.
func (s *Store) Keys() *Keyring { return s.keys }

// Damage returns what Open could not read.
func (s *Store) Damage() []error { return s.damage }

// Running returns the configuration in force. It is shared: do not change it.
func (s *Store) Running() *Model {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running
}

// Begin returns a candidate that equals the running configuration.
func (s *Store) Begin() *Candidate {
	c := &Candidate{store: s}
	c.Clear()
	return c
}

// text returns the text form of a model for a file.
func (s *Store) text(m *Model) string { return strings.Join(Write(m, s.keys), "\n") + "\n" }

// Save makes the running configuration the saved one. It returns an error during a trial.
func (s *Store) Save() error {
	s.committing.Lock()
	defer s.committing.Unlock()
	if s.trial != nil {
		return s.trial.refusal()
	}
	if err := WriteFile(s.savedPath(), []byte(s.text(s.Running()))); err != nil {
		return fmt.Errorf("the configuration cannot be saved: %w", err)
	}
	return nil
}

// Saved returns the text of the saved configuration. If nothing was ever saved, the error
// is fs.ErrNotExist.
func (s *Store) Saved() (string, error) {
	text, err := os.ReadFile(s.savedPath())
	return string(text), err
}

// SavedModel returns the saved configuration, with the errors of Saved and Parse.
func (s *Store) SavedModel() (*Model, error) {
	text, err := s.Saved()
	if err != nil {
		return nil, err
	}
	return Parse(text, s.keys)
}

// Fresh reports whether the device was never configured.
func (s *Store) Fresh() bool {
	_, err := s.Saved()
	return errors.Is(err, fs.ErrNotExist) && len(s.Points()) == 0
}

func (s *Store) savedPath() string { return filepath.Join(s.dir, "saved.cfg") }
