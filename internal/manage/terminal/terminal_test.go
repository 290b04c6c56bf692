package terminal

import (
	"io"
	"strings"
	"testing"

	"tandem/internal/manage"
)

func TestKeys(t *testing.T) {
	got, err := io.ReadAll(newKeys(t.Context(), strings.NewReader("dis\x1aab\x03é")))
	want := "dis" + dropLine + "return\r" + "ab" + dropLine + "\r" + "é"
	if err != nil || string(got) != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

func TestHelpText(t *testing.T) {
	got := helpText([]manage.Candidate{{Word: "system-view", Help: "Enter the system view", Keyword: true}, {Word: "<cr>"}})
	if want := "  system-view  Enter the system view\n  <cr>\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
