package pairtest

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// programs is the directory of the programs, built once for all tests.
var programs string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	if os.Geteuid() != 0 {
		return m.Run() // so that every test reports why it is skipped
	}
	// The tests mostly wait, so several can run at the same time.
	if f := flag.Lookup("test.parallel"); f != nil {
		_ = f.Value.Set("4")
	}
	// On a machine without a compiler, this variable names compiled programs.
	if programs = os.Getenv("TANDEM_PROGRAMS"); programs != "" {
		return m.Run()
	}
	var err error
	if programs, err = build(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(programs)
	return m.Run()
}

func build() (string, error) {
	dir, err := os.MkdirTemp("", "pairtest-")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-o", dir, "tandem/cmd/tandem", "tandem/cmd/tandemd")
	if out, err := cmd.CombinedOutput(); err != nil {
		os.RemoveAll(dir)
		return "", fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	// A user without privileges runs the programs, too.
	return dir, os.Chmod(dir, 0o755)
}

func program(name string) string { return filepath.Join(programs, name) }
