package config

import (
	"errors"
	"os"
	"path/filepath"
)

// staged is a complete file on the disk, under a temporary name.
type staged struct{ temporary, path string }

// stage writes a file under a temporary name, in the directory of the file that it will
// replace. Only the owner can read it.
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

// publish renames the file to its final name, and replaces an older file.
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
	// After publish the temporary file does not exist. If it cannot be removed, it stays,
	// but is never read.
	_ = os.Remove(s.temporary)
}

// WriteFile makes or replaces a file in one step and waits until it is on the disk. Only
// the owner can read it. After a loss of power there is the old file or the new one.
func WriteFile(path string, data []byte) error {
	s, err := stage(path, data)
	if err != nil {
		return err
	}
	defer s.discard()
	return s.publish()
}
