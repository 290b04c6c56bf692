package console

import (
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const referenceFile = "../../docs/commands.md"

// TestReference keeps the command reference that of the commands.
func TestReference(t *testing.T) {
	got := Reference()
	if *update {
		if err := os.WriteFile(referenceFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("docs/commands.md is old (-want +got):\n%s", diff)
	}
}

func TestReferenceHasEveryCommand(t *testing.T) {
	for _, c := range allCommands() {
		known := slices.ContainsFunc(chapters, func(ch chapter) bool { return slices.Contains(c.Views, ch.view) })
		if !known || c.Help == "" {
			t.Errorf("%v %q is not in the reference, or has no help", c.Views, c.Syntax)
		}
	}
}
