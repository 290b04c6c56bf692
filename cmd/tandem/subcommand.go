package main

import (
	"flag"
	"fmt"
	"os"

	"tandem/internal/bench"
	"tandem/internal/daemon"
	"tandem/internal/lab"
	"tandem/internal/manage"
)

// subcommands are what the program does besides the console; each gets the
// arguments after its name and returns the exit code.
var subcommands = map[string]func(args []string) int{
	"bench":         bench.Main,
	"lab":           lab.Main,
	"pki":           makeCertificates,
	"restart":       restart,
	"trunk-guard":   trunkGuard,
	"upgrade-check": upgradeCheck,
}

// trunkGuard is what a supervisor runs when a daemon has died: it takes the
// daemon's legs down, so that the switch leaves them.
func trunkGuard(args []string) int {
	fs := flag.NewFlagSet("tandem trunk-guard", flag.ContinueOnError)
	run := fs.String("run", manage.DefaultRunDir, "run `directory` of the daemon that died")
	if err := fs.Parse(args); err != nil || fs.NArg() > 0 {
		return exitUsage
	}
	// systemd runs it after every end of the daemon (ExecStopPost). One that ended in
	// good order has taken its legs down itself, or has left them to its successor.
	if os.Getenv("SERVICE_RESULT") == "success" {
		return exitDone
	}
	if err := daemon.TakeLegsDown(*run); err != nil {
		fmt.Fprintln(os.Stderr, "tandem trunk-guard:", err)
		return exitRefused
	}
	return exitDone
}
