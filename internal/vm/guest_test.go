//go:build guest

package vm_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tandem/internal/vm"
)

// suite lists the tests that run in the guest: those of packages that use the kernel, on
// Debian's kernel instead of this machine's. run is a pattern, as for go test -run.
var suite = []struct{ pkg, run string }{
	{"internal/linux/links", "^(TestVethAcrossNamespaces|TestMonitor|TestBond.*|TestVLAN)$"},
	{"internal/linux/mroute", "^(TestForwarding|TestInterfacesComeAndGo|TestDiscard|TestForget)$"},
	{"internal/linux/gate", "^(TestBuckets|TestProtection|TestSuccession|TestHandOver|TestFailureKeepsTheOwner|TestSyncRepairs|TestWatch|TestFlows|TestForeignChains|TestDroppers)$"},
	{"internal/linux/packet", "^(TestReceiveReportsV2|TestReceiveV1|TestPackets|TestMTU|TestVLAN|TestVRF|TestBond)$"},
	{"internal/fib/kernel", "^(TestPlane|TestForeignFirewall)$"},
	{"internal/daemon/netif", "^(TestBond.*|TestLegs)$"},
	{"internal/pairtest", "^(TestTrunk.*|TestAggregate.*|TestLever|TestMixedModes|TestLossyPath|TestVPN.*)$"},
}

// guestLimit bounds the whole run. It takes under three minutes, unless the machine is
// busy or the guest has to be started again.
const guestLimit = 9 * time.Minute

// Flags for a part of the suite, such as -guest.pkg pairtest -guest.run TestLever -guest.count 10.
var (
	onlyPackage = flag.String("guest.pkg", "", "run packages whose path contains `this`")
	onlyTests   = flag.String("guest.run", "", "run these `tests` instead of those of the suite")
	repetitions = flag.Int("guest.count", 1, "run each test `n` times")
)

// TestGuest builds the test programs, runs them in the guest and reports each of their
// tests as a subtest.
func TestGuest(t *testing.T) {
	dir := t.TempDir()
	machine := vm.Machine{
		Files: map[string]string{
			"/bin/tandem":     build(t, dir, "tandem", "build", "tandem/cmd/tandem"),
			"/bin/tandemd":    build(t, dir, "tandemd", "build", "tandem/cmd/tandemd"),
			"/bin/tandem-lab": build(t, dir, "tandem-lab", "build", "tandem/cmd/tandem-lab"),
		},
		Init: []string{"/bin/tandem-lab", "guest"},
	}
	addOpenVSwitch(machine.Files)
	for _, s := range suite {
		if !strings.Contains(s.pkg, *onlyPackage) {
			continue
		}
		run := cmp.Or(*onlyTests, s.run)
		name := strings.ReplaceAll(s.pkg, "/", "-") + ".test"
		machine.Files["/bin/"+name] = build(t, dir, name, "test", "-c", "tandem/"+s.pkg)
		machine.Programs = append(machine.Programs, vm.Program{Name: s.pkg,
			Args: []string{"/bin/" + name, "-test.v=test2json", "-test.timeout=5m", "-test.run", run, "-test.count", strconv.Itoa(*repetitions)},
			Env:  []string{"TANDEM_PROGRAMS=/bin"}})
	}
	ctx, cancel := context.WithTimeout(t.Context(), guestLimit)
	defer cancel()
	guest, err := machine.Run(ctx)
	var missing *vm.UnavailableError
	if errors.As(err, &missing) {
		t.Skip(err)
	}
	t.Logf("kernel %s, ready after %.1f s", guest.Kernel, guest.Booted.Seconds())
	for _, r := range guest.Results {
		t.Logf("%-24s %6.1f s", r.Name, r.Took.Seconds())
		t.Run(r.Name, func(t *testing.T) { show(t, r) })
	}
	if err != nil {
		t.Fatal(err)
	}
	if guest.Booted == 0 {
		t.Error("the guest did not say that it was ready")
	}
}

// addOpenVSwitch adds the files of Open vSwitch that exist on this machine; its tests
// report what is missing.
func addOpenVSwitch(files map[string]string) {
	for _, program := range []string{"ovs-vswitchd", "ovsdb-server", "ovsdb-tool", "ovs-vsctl", "ovs-appctl"} {
		if path, err := exec.LookPath(program); err == nil {
			files["/bin/"+program] = path
		}
	}
	const schema = "/usr/share/openvswitch/vswitch.ovsschema"
	if _, err := os.Stat(schema); err == nil {
		files[schema] = schema
	}
}

func build(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	out := filepath.Join(dir, name)
	cmd := exec.Command("go", append(args[:len(args)-1:len(args)-1], "-o", out, args[len(args)-1])...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, text)
	}
	return out
}

// testEvent is a line of test2json.
type testEvent struct{ Action, Test, Output string }

// show turns the output of a test program into subtests.
func show(t *testing.T, r vm.Result) {
	cmd := exec.Command("go", "tool", "test2json")
	cmd.Stdin = bytes.NewReader(r.Output)
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	output := make(map[string]string)
	ran := 0
	for line := range bytes.Lines(text) {
		var ev testEvent
		if err := json.Unmarshal(line, &ev); err != nil {
			t.Fatal(err)
		}
		switch output[ev.Test] += ev.Output; {
		case ev.Test == "" || strings.Contains(ev.Test, "/"):
			continue
		case ev.Action == "pass", ev.Action == "fail", ev.Action == "skip":
			ran++
			t.Run(ev.Test, func(t *testing.T) { repeat(t, ev.Action, output[ev.Test]) })
			delete(output, ev.Test)
		}
	}
	if r.Status != 0 || ran == 0 {
		t.Errorf("exit status %d after %d tests", r.Status, ran)
		for _, unfinished := range output {
			t.Log("\n" + unfinished)
		}
	}
}

// repeat gives a subtest the result of the guest's test. A skip is a failure, because the
// guest's kernel has every feature that a test may need.
func repeat(t *testing.T, action, output string) {
	switch {
	case action == "fail", strings.Contains(output, "kernel lacks"):
		t.Errorf("in the guest:\n%s", output)
	case action == "skip":
		t.Skip(reason(output))
	case testing.Verbose():
		t.Log("\n" + output)
	}
}

// reason returns the message of a skipped test.
func reason(output string) string {
	for line := range strings.Lines(output) {
		if _, said, found := strings.Cut(strings.TrimSpace(line), ".go:"); found {
			_, said, _ = strings.Cut(said, ": ")
			return said
		}
	}
	return "no reason given"
}
