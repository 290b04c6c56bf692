// Package trunkguard takes the legs of a daemon that has died out of service. The daemon
// writes their names to its run directory while it lives; a supervisor runs "tandem
// trunk-guard" when the daemon has not ended in an orderly way.
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

// legsFile is the file in the run directory that lists the legs, one on each line.
const legsFile = "legs"

// WriteLegs records the Linux names of the legs that a daemon has from now on.
func WriteLegs(runDir string, legs []string) error {
	return os.WriteFile(filepath.Join(runDir, legsFile), []byte(strings.Join(legs, "\n")), 0o644)
}

// TakeLegsDown sets the recorded legs down, so that the switch sends the hosts' reports
// to the other device. If a leg no longer exists, or no leg is recorded, this is no
// error. The next daemon sets the legs up again when it serves.
func TakeLegsDown(runDir string) error {
	text, err := os.ReadFile(filepath.Join(runDir, legsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the daemon died before it had a configuration
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
