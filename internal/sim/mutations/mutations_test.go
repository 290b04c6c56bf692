package mutations

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The default is one bug of each kind, so that the test is short; empty means all.
var names = flag.String("names", "merge-order,clocks-not-compared,ack-on-send,no-retention,break-before-make,primary-path-alone", "the bugs to plant, separated by commas")

// TestPlantedBugs plants each bug in a copy of the tree. The simulation must find it within
// 1,000 schedules. To run all of them: go test ./internal/sim/mutations -names "" -v
func TestPlantedBugs(t *testing.T) {
	if _, err := exec.LookPath("patch"); err != nil {
		t.Skip("patch is not installed")
	}
	cmd := exec.Command("../../../scripts/mutations", strings.FieldsFunc(*names, func(r rune) bool { return r == ',' })...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
		return
	}
	t.Logf("%s", out)
}

// TestPlantedBugsAreListed: docs/reliability.md lists each of them.
func TestPlantedBugsAreListed(t *testing.T) {
	page, err := os.ReadFile("../../../docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	patches, err := filepath.Glob("../testdata/mutations/*.patch")
	if err != nil || len(patches) == 0 {
		t.Fatal(patches, err)
	}
	for _, patch := range patches {
		name := strings.TrimSuffix(filepath.Base(patch), ".patch")
		if !regexp.MustCompile(`(?m)^\| ` + name + ` \| [1-9][0-9]* \|$`).Match(page) {
			t.Errorf("docs/reliability.md does not say which seed finds %s", name)
		}
	}
}
