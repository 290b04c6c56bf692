// Tiers reads the output of `go test -json`, shows the progress package by
// package, and ends with what ran in each tier: passed, failed, skipped. A test
// that skips on a machine that has what it needs is a failure.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// event is a line of `go test -json` (cmd/test2json).
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

// tier is a row of the closing table.
type tier struct {
	name                    string
	packages                []string // prefixes, without tandem/
	passed, failed, skipped int
}

var tiers = []*tier{
	{name: "cores", packages: []string{"internal/mld", "internal/rbs", "internal/etrunk", "internal/bfd", "internal/device"}},
	{name: "console", packages: []string{"internal/console", "internal/manage", "internal/command", "internal/config", "cmd"}},
	{name: "vm", packages: []string{"internal/vm"}},
	{name: "simulation", packages: []string{"internal/sim"}},
	{name: "peers", packages: []string{"internal/daemon/bfdloop", "internal/peers", "test"}},
	{name: "kernel", packages: []string{"internal/linux", "internal/fib", "internal/daemon"}},
	{name: "pair", packages: []string{"internal/pairtest", "internal/lab"}},
	{name: "house", packages: []string{""}},
}

func tierOf(pkg string) *tier {
	pkg = strings.TrimPrefix(pkg, "tandem/")
	return tiers[slices.IndexFunc(tiers, func(t *tier) bool {
		return slices.ContainsFunc(t.packages, func(p string) bool { return strings.HasPrefix(pkg, p) })
	})]
}

// tools are what tests skip for; a skip that names one that is here is no excuse.
var tools = map[string]string{"FRR": "vtysh", "nft tool": "nft", "iproute2": "ip", "qemu": "qemu-system-x86_64", "tshark": "tshark", "groff": "groff", "OpenSSH": "ssh",
	"pim6d": "/var/cache/tandem/frr/usr/lib/frr/pim6d", "Chromium": "chromium", "promtool": "promtool", "Open vSwitch": "ovs-vswitchd"}

func main() {
	output := make(map[string][]string) // by package and test
	var skips, failures []string
	broken := false
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var ev event
		if json.Unmarshal(lines.Bytes(), &ev) != nil {
			fmt.Println(lines.Text()) // a build error
			continue
		}
		key := ev.Package + " " + ev.Test
		t := tierOf(ev.Package)
		switch ev.Action {
		case "output":
			output[key] = append(output[key], ev.Output)
			continue
		case "build-output":
			fmt.Print(ev.Output)
			continue
		case "build-fail":
			broken = true
			continue
		case "pass", "fail", "skip":
		default:
			continue
		}
		if ev.Test == "" {
			fmt.Printf("%-5s %-32s %6.1f s\n", ev.Action, strings.TrimPrefix(ev.Package, "tandem/"), ev.Elapsed)
			if ev.Action == "fail" {
				broken = true
				fmt.Print(strings.Join(output[key], ""))
			}
			continue
		}
		switch why := reason(output[key]); {
		case ev.Action == "pass":
			t.passed++
		case ev.Action == "skip" && excused(why):
			t.skipped++
			skips = append(skips, fmt.Sprintf("%s: %s", ev.Test, why))
		default:
			t.failed++
			failures = append(failures, fmt.Sprintf("%s: %s", ev.Test, why))
			fmt.Printf("--- %s %s\n%s", ev.Action, key, strings.Join(output[key], ""))
		}
		delete(output, key)
	}
	os.Exit(summary(skips, failures, broken))
}

// reason is what a test said first, of why it skipped or failed.
func reason(output []string) string {
	for _, line := range output {
		if _, said, found := strings.Cut(strings.TrimSpace(line), ".go:"); found {
			_, said, _ = strings.Cut(said, ": ")
			return said
		}
	}
	return "no reason given"
}

// excused reports whether a reason to skip holds on this machine.
func excused(why string) bool {
	if strings.HasPrefix(why, "needs root") && os.Geteuid() == 0 {
		return false
	}
	for named, program := range tools {
		if strings.Contains(why, named) {
			_, err := exec.LookPath(program)
			return err != nil
		}
	}
	return true
}

// summary prints the closing lines and returns the exit status.
func summary(skips, failures []string, broken bool) int {
	var all tier
	fmt.Println()
	for _, s := range skips {
		fmt.Println("skipped", s)
	}
	for _, f := range failures {
		fmt.Println("failed", f)
	}
	fmt.Printf("%-12s %7s %7s %7s\n", "tier", "passed", "failed", "skipped")
	for _, t := range tiers {
		fmt.Printf("%-12s %7d %7d %7d\n", t.name, t.passed, t.failed, t.skipped)
		all.passed, all.failed, all.skipped = all.passed+t.passed, all.failed+t.failed, all.skipped+t.skipped
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", all.passed, all.failed, all.skipped)
	if broken || all.failed > 0 || all.passed == 0 {
		return 1
	}
	return 0
}
