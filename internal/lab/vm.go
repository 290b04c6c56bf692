package lab

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"tandem/internal/vm"
)

// guestResults is where the demonstration leaves its results in the machine.
const guestResults = "/tmp/results.json"

// runVM plays the demonstration with LACP in a virtual machine and brings what
// it says and its results back.
func runVM(_ plan, args []string) error {
	if len(args) == 0 || args[0] != "demo" {
		fmt.Fprint(os.Stderr, usage)
		return exitStatus(2)
	}
	fs := flag.NewFlagSet("vm demo", flag.ContinueOnError)
	file := fs.String("json", "", "write the results to this file")
	only := fs.String("faults", "", "play only these faults, such as 1,7")
	rounds := fs.Int("rounds", 1, "play them this many times")
	if err := parse(fs, args[1:]); err != nil {
		return err
	}
	if _, err := parseFaults(*only); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	daemon, err := findDaemon(self)
	if err != nil {
		return err
	}
	machine := vm.Machine{
		Files:    map[string]string{"/bin/tandem": self, "/bin/tandemd": daemon},
		Init:     []string{"/bin/tandem", "lab", guestCommand},
		Programs: []vm.Program{GuestDemo("--faults", *only, "--rounds", strconv.Itoa(*rounds))},
		Output:   os.Stdout,
	}
	ctx, stop := untilSignal()
	defer stop()
	guest, err := machine.Run(ctx)
	if err != nil {
		return interrupted(ctx, err)
	}
	demo := guest.Results[0]
	fmt.Printf("\nkernel %s, ready %.1f s after the start; times are by its own clock\n", guest.Kernel, guest.Booted.Seconds())
	if *file != "" {
		if err := os.WriteFile(*file, demo.Files[guestResults], 0o644); err != nil {
			return fmt.Errorf("results: %w", err)
		}
	}
	if demo.Status != 0 {
		return exitStatus(demo.Status)
	}
	return nil
}

// GuestDemo is the demonstration as a program of a virtual machine, whose
// result has the file of results.
func GuestDemo(args ...string) vm.Program {
	return vm.Program{
		Name:  "demo",
		Args:  append([]string{"/bin/tandem", "lab", "demo", "--lacp", "--json", guestResults}, args...),
		Env:   []string{fmt.Sprintf("%s=%d", envHostWork, work())},
		Fetch: []string{guestResults},
	}
}

// findDaemon looks for the daemon beside this program and on the search path.
func findDaemon(self string) (string, error) {
	beside := filepath.Join(filepath.Dir(self), "tandemd")
	if _, err := os.Stat(beside); err == nil {
		return beside, nil
	}
	found, err := exec.LookPath("tandemd")
	if err != nil {
		return "", errors.Join(fmt.Errorf("no tandemd beside %s or on the search path", self), err)
	}
	return found, nil
}
