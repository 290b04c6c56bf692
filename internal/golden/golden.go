// Package golden compares the output of tests with files: generated pages, screens,
// captures. `go test PACKAGE -update` writes the files again.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what the tests compare with anew")

// Updating reports whether the test run writes the files again (-update).
func Updating() bool { return *update }

// Check fails t unless the content of the file is made. With -update it writes the file
// first.
func Check(t testing.TB, file, made string) {
	t.Helper()
	if *update {
		write(t, file, made)
	}
	if diff := cmp.Diff(Read(t, file), made); diff != "" {
		t.Errorf("%s is old, -update writes it anew (-kept +made):\n%s", file, diff)
	}
}

// Read returns the content of a file with which a test compares.
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
