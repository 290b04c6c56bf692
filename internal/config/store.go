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

// Store keeps a device's configuration in a directory: the device key, a file
// for each of the last commits, and the saved configuration. What is committed
// is durable: a daemon that starts again goes on with the newest commit, and a
// machine that starts again with the saved configuration, if one was ever saved.
// Files are replaced in one step and forced to the disk, so a loss of power
// leaves the old or the new one. A Store is safe for concurrent use.
type Store struct {
	dir  string
	boot string // tells this run of the machine from others, empty when unknown
	keys *Keyring

	committing sync.Mutex // held for the whole of a commit

	mu      sync.Mutex // guards the rest
	running *Model
	points  []Point
	trial   *trial // nil while none is running
	damage  []error
}

// Open opens the store in a directory, which it creates if need be. A commit
// that cannot be read is passed over for the one before it, see Damage; when
// none can be read the error says why.
func Open(dir string) (*Store, error) {
	// Without the file every start counts as one of the daemon alone.
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

// load reads the commits, newest first, until one is good, then the saved
// configuration. A store without either begins with New.
func (s *Store) load() error {
	entries, err := os.ReadDir(filepath.Join(s.dir, "commits"))
	if err != nil {
		return err
	}
	for _, entry := range slices.Backward(entries) {
		id, err := strconv.ParseUint(strings.TrimSuffix(entry.Name(), ".cfg"), 10, 64)
		if err != nil || !strings.HasSuffix(entry.Name(), ".cfg") {
			// What an interrupted commit has left; one more does no harm.
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

// startUp chooses what to start with: the newest commit while the machine has
// run on, the saved configuration when it was started since, or when there is
// nothing else.
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

// machineStarted says that the machine was started since the newest commit.
func (s *Store) machineStarted() bool {
	boot := s.points[len(s.points)-1].Boot
	return boot != "" && s.boot != "" && boot != s.boot
}

// restart makes the saved configuration the newest commit, so that the list
// tells what happened and the unsaved one can be returned to.
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

// Damage returns what Open found that it could not read.
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

// text returns the text form of a model as a file has it.
func (s *Store) text(m *Model) string { return strings.Join(Write(m, s.keys), "\n") + "\n" }

// Save makes the running configuration the saved one; one on trial is refused.
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

// Saved returns the text of the saved configuration; its error is
// fs.ErrNotExist when nothing was ever saved.
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

// Fresh tells whether the device was never configured.
func (s *Store) Fresh() bool {
	_, err := s.Saved()
	return errors.Is(err, fs.ErrNotExist) && len(s.Points()) == 0
}

func (s *Store) savedPath() string { return filepath.Join(s.dir, "saved.cfg") }
