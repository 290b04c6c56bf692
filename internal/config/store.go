package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Commit points are numbered as on VRP, and so many of them are kept.
const (
	firstPoint = 1000000001
	keptPoints = 50
)

var (
	// ErrConflict says that others have committed something that does not go
	// together with the candidate.
	ErrConflict = errors.New("the running configuration was changed meanwhile")
	// ErrNoPoint says that a commit point does not exist, or no more.
	ErrNoPoint = errors.New("there is no such commit point")
)

// Point is one commit: a configuration that can be returned to.
type Point struct {
	ID uint64    `json:"id"` // 1000000001 and up
	At time.Time `json:"at"`
	PointInfo
}

// PointInfo is what the operator says of a commit. Every field may be empty.
type PointInfo struct {
	User        string `json:"user,omitempty"`
	Label       string `json:"label,omitempty"`
	Description string `json:"description,omitempty"`
}

// Store keeps a device's configuration in a directory: the device key, a file
// for each of the last commits, and the saved configuration. What is committed
// is durable: a daemon that starts again goes on with the newest commit.
// Files are replaced in one step and forced to the disk, so a loss of power
// leaves the old or the new one. A Store is safe for concurrent use.
type Store struct {
	dir  string
	keys *Keyring

	committing sync.Mutex // held for the whole of a commit

	mu      sync.Mutex // guards the rest
	running *Model
	points  []Point
	damage  []error
}

// Open opens the store in a directory, which it creates if need be. A commit
// that cannot be read is passed over for the one before it, see Damage; when
// none can be read the error says why.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(filepath.Join(dir, "commits"), 0o700); err != nil {
		return nil, fmt.Errorf("configuration store: %w", err)
	}
	keys, err := openKeyring(filepath.Join(dir, "device.key"))
	if err != nil {
		return nil, fmt.Errorf("configuration store: %w", err)
	}
	s := &Store{dir: dir, keys: keys}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("configuration store: %w", err)
	}
	return s, nil
}

func openKeyring(path string) (*Keyring, error) {
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key = NewDeviceKey()
		err = writeFile(path, key)
	}
	if err != nil {
		return nil, err
	}
	return NewKeyring(key)
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
			continue // what an interrupted commit has left
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
	if s.running != nil {
		return nil
	}
	text, err := s.Saved()
	switch {
	case err == nil:
		s.running, err = Parse(text, s.keys)
	case errors.Is(err, fs.ErrNotExist) && len(s.damage) == 0:
		s.running, err = New(), nil
	}
	if err != nil {
		return errors.Join(append(s.damage, err)...)
	}
	return nil
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
	running := s.Running()
	return &Candidate{Editor: NewEditor(running.Clone(), s.keys), store: s, base: running}
}

// Commit puts a candidate in force: it is refreshed, validated, written,
// applied, and only then made the running configuration. The warnings of
// Validate come back with the new point. Without changes there is no new point
// (its ID is 0) and apply is not called. After an error, an *InvalidError when
// the model is at fault, the running configuration is the old one.
func (s *Store) Commit(c *Candidate, info PointInfo, apply func(*Model) error) (Point, Problems, error) {
	s.committing.Lock()
	defer s.committing.Unlock()
	if err := c.Refresh(); err != nil {
		return Point{}, nil, err
	}
	problems := Validate(c.Model)
	if failed := problems.Errors(); len(failed) > 0 {
		return Point{}, nil, &InvalidError{failed}
	}
	if !c.Changed() {
		return Point{}, problems, nil
	}
	next := c.Model.Clone()
	point := Point{ID: s.nextID(), At: time.Now().UTC().Truncate(time.Second), PointInfo: info}
	if err := s.install(point, next, apply); err != nil {
		return Point{}, nil, err
	}
	c.restart(next)
	return point, problems, nil
}

// install writes a commit under another name first, so that a full disk is
// found out before anything is applied.
func (s *Store) install(point Point, next *Model, apply func(*Model) error) error {
	header, err := json.Marshal(point)
	if err != nil {
		return err
	}
	text := "!" + string(header) + "\n" + s.Text(next)
	file, err := stage(s.path(point.ID), []byte(text))
	if err != nil {
		return fmt.Errorf("the commit cannot be written, nothing is changed: %w", err)
	}
	defer file.discard()
	before := s.Running()
	if err := apply(next); err != nil {
		return fmt.Errorf("the commit cannot be applied, nothing is changed: %w", err)
	}
	if err := file.publish(); err != nil {
		return errors.Join(fmt.Errorf("the commit cannot be written and is taken back: %w", err), apply(before))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = next
	s.points = append(s.points, point)
	for len(s.points) > keptPoints {
		// One file too many does no harm.
		_ = os.Remove(s.path(s.points[0].ID))
		s.points = s.points[1:]
	}
	return nil
}

// nextID passes over the numbers of damaged commits.
func (s *Store) nextID() uint64 {
	id := uint64(firstPoint)
	if n := len(s.points); n > 0 {
		id = s.points[n-1].ID + 1
	}
	for {
		if _, err := os.Lstat(s.path(id)); errors.Is(err, fs.ErrNotExist) {
			return id
		}
		id++
	}
}

func (s *Store) path(id uint64) string {
	return filepath.Join(s.dir, "commits", strconv.FormatUint(id, 10)+".cfg")
}

// Points returns the commits that are kept, oldest first.
func (s *Store) Points() []Point {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.points)
}

// Load returns the configuration of a commit point; ErrNoPoint when it is not kept.
func (s *Store) Load(id uint64) (*Model, error) {
	m, _, err := s.read(id)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: %d", ErrNoPoint, id)
	}
	return m, err
}

func (s *Store) read(id uint64) (*Model, Point, error) {
	text, err := os.ReadFile(s.path(id))
	if err != nil {
		return nil, Point{}, err
	}
	var point Point
	header, _, _ := strings.Cut(string(text), "\n")
	if err := json.Unmarshal([]byte(strings.TrimPrefix(header, "!")), &point); err != nil || point.ID != id {
		return nil, Point{}, fmt.Errorf("its first line does not tell of commit %d", id)
	}
	m, err := Parse(string(text), s.keys)
	return m, point, err
}

// Text returns the text form of a model as a file has it.
func (s *Store) Text(m *Model) string { return strings.Join(Write(m, s.keys), "\n") + "\n" }

// Save makes the running configuration the saved one.
func (s *Store) Save() error {
	if err := writeFile(s.savedPath(), []byte(s.Text(s.Running()))); err != nil {
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

func (s *Store) savedPath() string { return filepath.Join(s.dir, "saved.cfg") }
