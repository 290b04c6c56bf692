package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// MaxText is the longest text of configuration that is loaded, in bytes.
const MaxText = 16 << 20

// ReadText reads a file of configuration. What is no regular file, a pipe that nobody
// writes to for instance, is refused.
func ReadText(path string) (string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	switch info, err := f.Stat(); {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is not a regular file", path)
	case info.Size() > MaxText:
		return "", fmt.Errorf("%s has more than %d bytes", path, MaxText)
	}
	text, err := io.ReadAll(io.LimitReader(f, MaxText))
	return string(text), err
}

// maxShown is how many lines that are wrong an error of Load names.
const maxShown = 20

// Load takes a text into the candidate: in place of what it has, or in addition.
// Either the whole text goes in or, when any line is refused, nothing; the error then
// has a line for each of them, but not its text, which may be a secret.
func (c *Candidate) Load(text string, replace bool) error {
	m, err := c.loaded(text, replace)
	if err == nil {
		c.Model, c.View = m, SystemView
	}
	return err
}

// Compare returns what Load would change, see Diff.
func (c *Candidate) Compare(text string, replace bool) ([]string, error) {
	m, err := c.loaded(text, replace)
	if err != nil {
		return nil, err
	}
	return Diff(c.Model, m, c.keys), nil
}

// loaded is what Load makes of the candidate's model.
func (c *Candidate) loaded(text string, replace bool) (*Model, error) {
	m := New()
	if !replace {
		m = c.Model.Clone()
	}
	m, wrong := read(m, text, c.keys)
	if len(wrong) > 0 {
		return nil, refusedLines(wrong)
	}
	return m, nil
}

func refusedLines(wrong []*LineError) error {
	var errs []error
	for _, w := range wrong[:min(len(wrong), maxShown)] {
		reason := strings.Replace(w.Err.Error(), " found at '^' position.", "", 1)
		errs = append(errs, fmt.Errorf("line %d: %s", w.Line, reason))
	}
	if more := len(wrong) - len(errs); more > 0 {
		errs = append(errs, fmt.Errorf("and %d lines more", more))
	}
	return errors.Join(append(errs, errors.New("nothing is loaded"))...)
}
