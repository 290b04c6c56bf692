package lab

import (
	"fmt"
	"os"

	"tandem/internal/vm"
)

// Files in the virtual machine: this program, and the file for the results of the
// demonstration.
const (
	guestLab     = "/bin/tandem-lab"
	guestResults = "/tmp/results.json"
)

// runVM plays the demonstration with LACP in a virtual machine, and returns its output
// and its results.
func runVM(_ plan, args []string) error {
	fs := newFlags("vm demo", demoSynopsis)
	var f demoFlags
	f.add(fs)
	if len(args) == 0 || args[0] != "demo" {
		fs.Usage()
		return exitStatus(2)
	}
	if err := parse(fs, args[1:]); err != nil {
		return err
	}
	if _, err := f.choose(true); err != nil {
		return err
	}
	files, err := guestFiles()
	if err != nil {
		return err
	}
	machine := vm.Machine{
		Files:    files,
		Init:     []string{guestLab, guestCommand},
		Programs: []vm.Program{guestDemo(f.args()...)},
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
	if f.file != "" {
		if err := os.WriteFile(f.file, demo.Files[guestResults], 0o644); err != nil {
			return fmt.Errorf("results: %w", err)
		}
	}
	if demo.Status != 0 {
		return exitStatus(demo.Status)
	}
	return nil
}

// guestFiles returns the programs that the machine needs, by their names in the machine.
func guestFiles() (map[string]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	daemon, tandem, err := findPrograms(self)
	return map[string]string{guestLab: self, "/bin/tandemd": daemon, "/bin/tandem": tandem}, err
}

// guestDemo returns the demonstration as a program of a virtual machine. Its result
// contains the results file.
func guestDemo(args ...string) vm.Program {
	return vm.Program{
		Name:  "demo",
		Args:  append([]string{guestLab, "demo", "-lacp", "-json", guestResults}, args...),
		Env:   []string{fmt.Sprintf("%s=%d", envHostWork, work())},
		Fetch: []string{guestResults},
	}
}
