package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"tandem/internal/console"
	"tandem/internal/manage"
	"tandem/internal/trunkguard"
)

// subcommand is a function of the program besides the console.
type subcommand struct {
	name  string
	usage string // the arguments after the name
	about string
	words []string // words that may follow, for completion by a shell
	run   func(args []string) int
}

// subcommands lists the subcommands in alphabetical order.
func subcommands() []subcommand {
	return []subcommand{
		{"check", "[ -json ] FILE ...", "check files of configuration without a device", fileWords, checkFiles},
		{"completion", "bash | zsh", "print what makes a shell complete the words of tandem", shells, completion},
		{"diff", "[ -s SOCKET ] FILE [ FILE ]", "compare the running configuration, or that of the first file, with that of a file", fileWords, diffFiles},
		{"help", "", "print how tandem is called", nil, help},
		{"load", "[ -s SOCKET ] [ -replace ] [ -compare ] FILE", "put a file of configuration in force, whole, and show what that changes", fileWords, load},
		{"pki", "[ -dir DIR ] [ -days N ] NAME=ADDRESS NAME=ADDRESS", "make the certificates of a pair", nil, makeCertificates},
		{"record", "[ -s SOCKET ] [ -mask ] { FILE | - }", "write what the device was told lately into a file, without secrets, with -mask without addresses", fileWords, record},
		{"replay", "[ -q ] FILE", "run a recording through this program and print what it decides", fileWords, replay},
		{"restart", "[ -run DIR ]", "replace the daemon by the installed program, without a gap", nil, restart},
		{"trunk-guard", "[ -run DIR ]", "take the legs of a daemon that died out of service", nil, trunkGuard},
		{"upgrade-check", "[ PROGRAM ]", "say whether a program can take over from the daemon that runs", fileWords, upgradeCheck},
		{"version", "", "print which program this is; display version tells that of the daemon", nil, version},
	}
}

// moved holds the former subcommands that are now commands of tandem-lab, each with the
// command to type instead.
var moved = map[string]string{"bench": "tandem-lab bench", "lab": "tandem-lab"}

// unknownSubcommand returns the error for arguments that start with no subcommand.
func unknownSubcommand(words []string) error {
	if now, ok := moved[words[0]]; ok {
		now = strings.Join(append([]string{now}, words[1:]...), " ")
		return fmt.Errorf("%s is not in tandem any more: build tandem-lab from the source and run %q", words[0], now)
	}
	return fmt.Errorf("unknown subcommand %q: see \"tandem help\"", words[0])
}

// help prints the usage of the program on standard output.
func help([]string) int {
	usage(os.Stdout, new(options).flags())
	return exitDone
}

// version prints the version of this program.
func version([]string) int {
	fmt.Println(console.ThisBuild())
	return exitDone
}

// usage prints the usage of the program.
func usage(w io.Writer, fs *flag.FlagSet) {
	fmt.Fprintf(w, "usage: tandem [ flags ]            a console session, or commands of the device\n")
	for _, s := range subcommands() {
		fmt.Fprintf(w, "       tandem %-20s %s\n", s.name, s.about)
	}
	fmt.Fprintln(w, "flags:")
	fs.SetOutput(w)
	fs.PrintDefaults()
	fmt.Fprintln(w, "\n\"tandem SUBCOMMAND -h\" tells the flags of a subcommand, tandem(1) more of all.")
}

// trunkGuard takes the legs of a dead daemon down, so that the switch stops using them. A
// supervisor runs it when a daemon has died.
func trunkGuard(args []string) int {
	fs := flag.NewFlagSet("tandem trunk-guard", flag.ContinueOnError)
	run := fs.String("run", manage.DefaultRunDir, "run `directory` of the daemon that died")
	if err := fs.Parse(args); err != nil || fs.NArg() > 0 {
		return exitUsage
	}
	// systemd runs this after every end of the daemon (ExecStopPost). After an orderly
	// end there is nothing to do: the daemon has taken its legs down itself, or has left
	// them to its successor.
	if os.Getenv("SERVICE_RESULT") == "success" {
		return exitDone
	}
	if err := trunkguard.TakeLegsDown(*run); err != nil {
		fmt.Fprintln(os.Stderr, "tandem trunk-guard:", err)
		return exitRefused
	}
	return exitDone
}
