package floors

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tandem/internal/golden"
)

var (
	testName = regexp.MustCompile("`([a-z0-9]+)\\.((?:Test|Fuzz)[A-Za-z0-9]+)`")
	testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
)

// TestStandardsAreTested checks docs/rfc.md: every test that it names exists, every
// implemented section has a test, and every other section has a reason.
func TestStandardsAreTested(t *testing.T) {
	text := golden.Read(t, "../../docs/rfc.md")
	checkNames(t, text)
	rows := 0
	for line := range strings.Lines(text) {
		cells := strings.Split(line, "|")
		if len(cells) != 6 || strings.Contains(cells[1], "---") || strings.TrimSpace(cells[1]) == "Section" {
			continue
		}
		rows++
		section, reason := strings.TrimSpace(cells[1]), strings.TrimSpace(cells[3])
		tested := testName.MatchString(cells[4])
		switch state := strings.TrimSpace(cells[2]); {
		case state != "done" && state != "otherwise" && state != "not done":
			t.Errorf("%s: unknown state %q", section, state)
		case state != "not done" && !tested:
			t.Errorf("%s: %s, but no test shows it", section, state)
		case state != "done" && reason == "":
			t.Errorf("%s: %s without a reason", section, state)
		}
	}
	if rows == 0 {
		t.Error("no rows found")
	}
}

// TestLessonsAreTested checks that the tests exist that the pages on reliability, on reports from the field and on a
// plain VLAN name.
func TestLessonsAreTested(t *testing.T) {
	for _, page := range []string{"reliability", "field", "plain-vlan"} {
		if checkNames(t, golden.Read(t, "../../docs/"+page+".md")) == 0 {
			t.Errorf("%s.md names no test", page)
		}
	}
}

// checkNames reports tests that a text names and that do not exist, and returns how many
// tests it names.
func checkNames(t *testing.T, text string) int {
	t.Helper()
	exists, names := testsByPackage(t), testName.FindAllStringSubmatch(text, -1)
	for _, m := range names {
		if !exists[m[1]+"."+m[2]] {
			t.Errorf("no test %s.%s", m[1], m[2])
		}
	}
	return len(names)
}

// testsByPackage lists all tests as package.Name, of the main module and of those
// beside it.
func testsByPackage(t *testing.T) map[string]bool {
	t.Helper()
	found := make(map[string]bool)
	for _, pattern := range []string{"../*/*_test.go", "../*/*/*_test.go", "../../test/*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range testFunc.FindAllStringSubmatch(string(source), -1) {
				found[filepath.Base(filepath.Dir(file))+"."+m[1]] = true
			}
		}
	}
	return found
}
