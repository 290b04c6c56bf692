package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tandem/internal/linux/links"
)

// LegsFile is a file of the run directory that names the legs, one a line: what a supervisor
// takes down when the daemon has died.
const LegsFile = "legs"

// writeLegs records the legs of the configuration in force.
func (d *Daemon) writeLegs() error {
	legs := strings.Join(d.legs(), "\n")
	return os.WriteFile(filepath.Join(d.opts.RunDir, LegsFile), []byte(legs), 0o644)
}

// TakeLegsDown takes the legs of a daemon that has died out of service, so that
// the switch sends to the other device what nobody here would hear. The daemon
// raises them again itself when it serves.
func TakeLegsDown(runDir string) error {
	text, err := os.ReadFile(filepath.Join(runDir, LegsFile))
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
