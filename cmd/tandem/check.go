package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"

	"tandem/internal/config"
	"tandem/internal/console"
	"tandem/internal/manage"
)

// finding is a finding in one of several files.
type finding struct {
	File string `json:"file"`
	console.Finding
}

func (f finding) String() string {
	kind := "error"
	if f.Warning {
		kind = "warning"
	}
	where := f.File
	if f.Line > 0 {
		where += fmt.Sprintf(":%d", f.Line)
	}
	s := fmt.Sprintf("%s: %s: %s", where, kind, f.Problem)
	if f.Text != "" {
		s += "\n    " + f.Text
	}
	return s
}

// checkFiles prints all faults in configuration files.
func checkFiles(args []string) int {
	fs := flag.NewFlagSet("tandem check", flag.ContinueOnError)
	asJSON := fs.Bool("json", false, "print a list of objects with file, line, text, warning and problem")
	fs.Usage = func() {
		fmt.Fprintln(fs.Output(), "usage: tandem check [ -json ] FILE ...\n\n"+
			"Check files of configuration without a device: the text that display\ncurrent-configuration prints, or commands that begin with system-view.")
		fs.PrintDefaults()
	}
	if err := fs.Parse(args); err != nil || fs.NArg() == 0 {
		fs.Usage()
		return exitUsage
	}
	findings, wrong := []finding{}, false
	for _, file := range fs.Args() {
		_, found, err := readConfiguration(file)
		if err != nil {
			fmt.Fprintln(os.Stderr, "tandem check:", err)
			return exitUsage
		}
		for _, f := range found {
			findings = append(findings, finding{file, f})
			wrong = wrong || !f.Warning
		}
	}
	if *asJSON {
		// If standard output is closed, the command cannot report the findings, and its
		// exit status still says whether there are any.
		_ = json.NewEncoder(os.Stdout).Encode(findings)
	} else {
		for _, f := range findings {
			fmt.Println(f)
		}
	}
	if wrong {
		return exitRefused
	}
	return exitDone
}

func readConfiguration(file string) (*config.Model, []console.Finding, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	return console.Check(string(text))
}

// diffFiles prints the differences between a file and the running configuration, or
// between two files. Like diff it returns 0 for no difference and 1 for differences.
func diffFiles(args []string) int {
	fs := flag.NewFlagSet("tandem diff", flag.ContinueOnError)
	var socket string
	socketFlag(fs, &socket)
	fs.Usage = func() {
		fmt.Fprintln(fs.Output(), "usage: tandem diff [ -s SOCKET ] FILE [ FILE ]\n\n"+
			"Show what the configuration of a file has (+) and lacks (-) beside the running\none, or beside that of the file before it. Keys in plain text are not compared.")
		fs.PrintDefaults()
	}
	if err := fs.Parse(args); err != nil || fs.NArg() < 1 || fs.NArg() > 2 {
		fs.Usage()
		return exitUsage
	}
	var models []*config.Model
	if fs.NArg() == 1 {
		running, err := runningConfiguration(socket)
		if err != nil {
			fmt.Fprintln(os.Stderr, "tandem diff:", err)
			return exitNoDaemon
		}
		models = append(models, running)
	}
	for _, file := range fs.Args() {
		m, err := soundConfiguration(file)
		if err != nil {
			fmt.Fprintln(os.Stderr, "tandem diff:", err)
			return exitUsage
		}
		models = append(models, m)
	}
	config.IgnorePlainKeys(models[0], models[1])
	changes := config.Diff(models[0], models[1], config.OpaqueKeyring())
	for _, line := range changes {
		fmt.Println(line)
	}
	if len(changes) > 0 {
		return exitRefused
	}
	return exitDone
}

// soundConfiguration reads a configuration file. Any fault in it is an error.
func soundConfiguration(file string) (*config.Model, error) {
	m, findings, err := readConfiguration(file)
	if err != nil {
		return nil, err
	}
	for _, f := range findings {
		if !f.Warning {
			return nil, fmt.Errorf("%v", finding{file, f})
		}
	}
	return m, nil
}

// runningConfiguration reads the running configuration from the daemon.
func runningConfiguration(socket string) (*config.Model, error) {
	client := manage.NewClient(socket)
	defer client.Close()
	session, err := client.Open(context.Background(), false)
	if err != nil {
		return nil, err
	}
	defer session.Close(context.Background())
	reply, err := session.Exec(context.Background(), "display current-configuration")
	if err != nil {
		return nil, err
	}
	if reply.Failed {
		return nil, fmt.Errorf("%w: %s", errRefused, strings.TrimSpace(reply.Output))
	}
	return config.Parse(reply.Output, config.OpaqueKeyring())
}
