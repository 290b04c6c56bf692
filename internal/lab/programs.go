package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// findPrograms finds the daemon and the operator's program in the directory of the
// program self or on the search path.
func findPrograms(self string) (daemon, tandem string, err error) {
	if daemon, err = findProgram(self, "tandemd"); err != nil {
		return "", "", err
	}
	tandem, err = findProgram(self, "tandem")
	return daemon, tandem, err
}

func findProgram(self, name string) (string, error) {
	beside := filepath.Join(filepath.Dir(self), name)
	if _, err := os.Stat(beside); err == nil {
		return beside, nil
	}
	found, err := exec.LookPath(name)
	if err != nil {
		return "", errors.Join(fmt.Errorf("no %s beside %s or on the search path", name, self), err)
	}
	return found, nil
}
