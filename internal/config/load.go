package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// MaxText is the longest configuration text that can be loaded, in bytes.
const MaxText = 16 << 20

// ReadText reads a configuration file. It refuses a file that is not regular, for
// instance a pipe, because reading could block.
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

// maxShown is how many wrong lines an error of Load lists.
const maxShown = 20

// Load loads a text into the candidate, instead of its content or in addition to it. If any
// line is refused, Load changes nothing. The error then lists the wrong lines by number,
// but not their text, which may contain a secret.
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

// loaded returns the model that Load would make.
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
