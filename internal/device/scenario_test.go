package device_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"tandem/internal/golden"
)

// TestScenarios plays the files of testdata/scenario. Each of them is a readable story of
// two devices, A and B. Lines that begin with # explain it. Lines without an indent are
// inputs, and the indented lines below each are what the devices decide. -update (package
// golden) writes the decisions again.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/scenario/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			golden.Check(t, file, play(t, golden.Read(t, file)))
		})
	}
}

// play runs a scenario and returns it with what the devices decide now.
func play(t *testing.T, scenario string) string {
	s := newScene(t)
	var played strings.Builder
	for line := range strings.Lines(scenario) {
		switch {
		case strings.HasPrefix(line, " "):
			continue // a decision in the file, which is written again
		case strings.HasPrefix(line, "#"), line == "\n":
			played.WriteString(line)
			continue
		}
		played.WriteString(line)
		if err := s.do(strings.Fields(line)); err != nil {
			t.Fatalf("%s: %v", strings.TrimSpace(line), err)
		}
		for _, decided := range s.take() {
			fmt.Fprintf(&played, "  %s\n", decided)
		}
	}
	return played.String()
}
