package manpage

import (
	"os/exec"
	"testing"
)

// Lint fails t for errors that groff finds in a page. It skips the test if there is no
// groff.
func Lint(t testing.TB, file string) {
	t.Helper()
	if _, err := exec.LookPath("groff"); err != nil {
		t.Skip("no groff to read the page with")
	}
	complaints, err := exec.Command("groff", "-man", "-Tutf8", "-ww", "-z", file).CombinedOutput()
	if err != nil || len(complaints) > 0 {
		t.Errorf("groff: %v\n%s", err, complaints)
	}
}
