package config

import (
	"errors"
	"os"
	"path/filepath"
)

// staged is a file that is complete and on the disk, under a temporary name.
type staged struct{ temporary, path string }

// stage writes a file, readable by its owner only, beside the one it is to replace.
func stage(path string, data []byte) (*staged, error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return nil, err
	}
	s := &staged{f.Name(), path}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		s.discard()
		return nil, err
	}
	return s, nil
}

// publish gives the file its name, in place of an older one.
func (s *staged) publish() error {
	if err := os.Rename(s.temporary, s.path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(s.path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// discard removes the file unless it was published.
func (s *staged) discard() {
	// It is gone after publish, and a temporary file left over is never read.
	_ = os.Remove(s.temporary)
}

// WriteFile makes or replaces a file, readable by its owner only, in one step and
// on the disk: a loss of power leaves the old one or the new one.
func WriteFile(path string, data []byte) error {
	s, err := stage(path, data)
	if err != nil {
		return err
	}
	defer s.discard()
	return s.publish()
}
