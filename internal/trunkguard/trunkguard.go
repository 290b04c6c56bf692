// Package trunkguard takes the legs of a daemon that has died out of service. The daemon
// writes their names to its run directory while it lives; a supervisor runs "tandem
// trunk-guard" after an end that was not in good order.
package trunkguard

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tandem/internal/linux/links"
)

// legsFile is the file of the run directory that names the legs, one a line.
const legsFile = "legs"

// WriteLegs records the Linux names of the legs that a daemon has from now on.
func WriteLegs(runDir string, legs []string) error {
	return os.WriteFile(filepath.Join(runDir, legsFile), []byte(strings.Join(legs, "\n")), 0o644)
}

// TakeLegsDown sets the recorded legs down, so that the switch sends to the other device
// what nobody here would hear. A leg that no longer exists is no error, nor is a daemon
// that recorded none. The daemon raises its legs again itself when it serves.
func TakeLegsDown(runDir string) error {
	text, err := os.ReadFile(filepath.Join(runDir, legsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it died before it had a configuration
	}
	if err != nil {
		return err
	}
	handle, err := links.Open()
	if err != nil {
		return fmt.Errorf("netlink: %w", err)
	}
	defer handle.Close()
	var errs []error
	for _, leg := range strings.Fields(string(text)) {
		if err := handle.SetTrunkUp(leg, false, nil); err != nil && !errors.Is(err, links.ErrNotFound) {
			errs = append(errs, fmt.Errorf("leg %s: %w", leg, err))
		}
	}
	return errors.Join(errs...)
}
