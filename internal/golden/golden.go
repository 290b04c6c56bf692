// Package golden compares what tests make with the files that keep it: generated
// pages, screens, captures. `go test PACKAGE -update` writes the files anew.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what the tests compare with anew")

// Updating says whether the files are being written anew.
func Updating() bool { return *update }

// Check fails t unless the file holds what was made. With -update it does after.
func Check(t testing.TB, file, made string) {
	t.Helper()
	if *update {
		write(t, file, made)
	}
	if diff := cmp.Diff(Read(t, file), made); diff != "" {
		t.Errorf("%s is old, -update writes it anew (-kept +made):\n%s", file, diff)
	}
}

// Read returns what a file says that a test compares with.
func Read(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t testing.TB, file, made string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(made), 0o644); err != nil {
		t.Fatal(err)
	}
}
