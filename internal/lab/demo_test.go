package lab

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"tandem/internal/linux/netns"
)

// TestDemo runs the first faults of the demonstration with the real programs:
// a daemon is killed on either device and comes back empty.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	dir := t.TempDir()
	for _, program := range []string{"tandem", "tandemd", "tandem-lab"} {
		build := exec.Command("go", "build", "-o", filepath.Join(dir, program), "tandem/cmd/"+program)
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", program, err, out)
		}
	}
	p := testPlan(filepath.Join(dir, "lab"))
	if os.Geteuid() != 0 {
		requireUserNamespace(t)
	}
	file := filepath.Join(dir, "results.json")
	demo := exec.Command(filepath.Join(dir, "tandem-lab"), "demo", "-faults", "1,7", "-json", file)
	demo.Env = append(os.Environ(), envPrefix+"="+p.prefix, envDir+"="+p.dir)
	// The exit status also says whether the time limits were kept. A busy machine may not keep
	// them, so only the results are checked here.
	out, _ := demo.CombinedOutput()
	t.Logf("%s", out)
	checkResults(t, file)
	if _, err := os.Stat(p.dir); err == nil {
		t.Errorf("%s was left behind", p.dir)
	}
}

// requireUserNamespace skips the test if a user without privileges cannot make a network.
func requireUserNamespace(t *testing.T) {
	t.Helper()
	probe := exec.Command("true")
	netns.Unprivileged(probe)
	if err := probe.Run(); err != nil {
		t.Skipf("needs root or user namespaces: %v", err)
	}
}

func checkResults(t *testing.T, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Faults []result }
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Faults) != 4 {
		t.Errorf("%d results, want 4", len(got.Faults))
	}
	for _, r := range got.Faults {
		survived := r.GapMS < ms(time.Second)
		if !survived || r.Streams != len(streams) {
			t.Errorf("%+v", r)
		}
	}
}
