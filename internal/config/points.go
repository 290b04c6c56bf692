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
	"time"
)

// Commit points are numbered as on VRP. The oldest ones are deleted.
const (
	firstPoint = 1000000001
	keptPoints = 50
)

// ErrNoPoint means that a commit point does not exist, or has been deleted.
var ErrNoPoint = errors.New("there is no such commit point")

// Point is one commit. It contains a configuration to which the operator can return.
type Point struct {
	ID uint64    `json:"id"` // 1000000001 and up
	At time.Time `json:"at"`
	// Boot identifies the boot of the machine in which the commit was made; empty if
	// unknown.
	Boot string `json:"boot,omitempty"`
	PointInfo
}

// PointInfo is what a commit records about its user and purpose. Every field may be empty.
type PointInfo struct {
	User        string `json:"user,omitempty"`
	Source      string `json:"source,omitempty"` // from where the user had logged in
	Label       string `json:"label,omitempty"`  // unique among the stored points
	Description string `json:"description,omitempty"`
}

func (p Point) String() string {
	if p.User == "" {
		return fmt.Sprint(p.ID)
	}
	return fmt.Sprintf("%d (%s)", p.ID, p.User)
}

// nextID returns the ID of the next commit. It skips the IDs of damaged commits.
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

// Points returns the stored commits, oldest first.
func (s *Store) Points() []Point {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.points)
}

// Load returns the configuration of a commit point, or ErrNoPoint if it is not stored.
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
	header, body, _ := strings.Cut(string(text), "\n")
	if err := json.Unmarshal([]byte(strings.TrimPrefix(header, "!")), &point); err != nil || point.ID != id {
		return nil, Point{}, fmt.Errorf("its first line does not tell of commit %d", id)
	}
	if !strings.HasSuffix(body, lastLine+"\n") {
		return nil, Point{}, errors.New("its end is missing")
	}
	m, err := Parse(body, s.keys)
	return m, point, err
}

// newest returns the number of the newest commit, 0 when there is none.
func (s *Store) newest() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.points) == 0 {
		return 0
	}
	return s.points[len(s.points)-1].ID
}

// Labelled returns the point with a label, or ErrNoPoint if there is none.
func (s *Store) Labelled(label string) (Point, error) {
	for _, p := range s.Points() {
		if label != "" && strings.EqualFold(p.Label, label) {
			return p, nil
		}
	}
	return Point{}, fmt.Errorf("%w: %s", ErrNoPoint, label)
}

// free returns an error if a label is already used.
func (s *Store) free(label string) error {
	if p, err := s.Labelled(label); err == nil {
		return fmt.Errorf("the label %s is that of commit %d", label, p.ID)
	}
	return nil
}

// SetLabel sets or removes the label of a point.
func (s *Store) SetLabel(id uint64, label string) error {
	s.committing.Lock()
	defer s.committing.Unlock()
	i := slices.IndexFunc(s.points, func(p Point) bool { return p.ID == id })
	if i < 0 {
		return fmt.Errorf("%w: %d", ErrNoPoint, id)
	}
	if err := s.free(label); err != nil {
		return err
	}
	text, err := os.ReadFile(s.path(id))
	if err != nil {
		return fmt.Errorf("the label cannot be written: %w", err)
	}
	point := s.points[i]
	point.Label = label
	_, body, _ := strings.Cut(string(text), "\n")
	if err := WriteFile(s.path(id), point.file(body)); err != nil {
		return fmt.Errorf("the label cannot be written: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.points[i] = point
	return nil
}

// file returns the content of a point's file, for the text of its configuration.
func (p Point) file(text string) []byte {
	// Strings, a number and a time can always be marshalled.
	header, _ := json.Marshal(p)
	return []byte("!" + string(header) + "\n" + text)
}
