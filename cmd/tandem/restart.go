package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tandem/internal/manage"
)

// restartLimit is how long a successor may take to answer on its console.
const restartLimit = 30 * time.Second

// daemonProcess is a running daemon.
type daemonProcess struct {
	run     string // its run directory
	pid     int
	program string // the program that is installed at the path of the daemon's program
	args    []string
	started time.Time // when the daemon wrote its pid file
}

func findDaemon(run string) (p daemonProcess, err error) {
	p.run = run
	file := filepath.Join(run, "tandemd.pid")
	text, err := os.ReadFile(file)
	if err != nil {
		return p, err
	}
	if p.pid, err = strconv.Atoi(strings.TrimSpace(string(text))); err != nil {
		return p, fmt.Errorf("%s: %w", file, err)
	}
	info, err := os.Stat(file)
	if err != nil {
		return p, err
	}
	p.started = info.ModTime()
	if p.program, err = os.Readlink(p.proc("exe")); err != nil {
		return p, fmt.Errorf("the daemon does not run: %w", err)
	}
	p.program = strings.TrimSuffix(p.program, " (deleted)")
	line, err := os.ReadFile(p.proc("cmdline"))
	p.args = strings.Split(strings.TrimRight(string(line), "\x00"), "\x00")[1:]
	return p, err
}

func (p daemonProcess) proc(name string) string { return fmt.Sprintf("/proc/%d/%s", p.pid, name) }

// says runs a program with the daemon's environment and arguments, and returns which
// state the program can take over.
func (p daemonProcess) says(program string) (string, error) {
	out, err := exec.Command(program, append(p.args, "-check")...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", program, err, out)
	}
	return string(out), err
}

// upgradeCheck says whether a program could take over from the running daemon. It changes
// nothing.
func upgradeCheck(args []string) int {
	fs := flag.NewFlagSet("tandem upgrade-check", flag.ContinueOnError)
	run := fs.String("run", manage.DefaultRunDir, "run `directory` of the daemon")
	if err := fs.Parse(args); err != nil || fs.NArg() > 1 {
		return exitUsage
	}
	p, err := findDaemon(*run)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tandem upgrade-check:", err)
		return exitNoDaemon
	}
	if fs.NArg() == 1 {
		p.program = fs.Arg(0)
	}
	told, err := p.check()
	fmt.Print(told)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tandem upgrade-check:", err)
		return exitRefused
	}
	fmt.Println("A restart with this program has no gap.")
	return exitDone
}

// check compares the state that the running program hands over with the state that the
// other program can take over.
func (p daemonProcess) check() (told string, err error) {
	running, err := p.says(p.proc("exe"))
	if err != nil {
		return "", err
	}
	next, err := p.says(p.program)
	if err != nil {
		return "", err
	}
	told = fmt.Sprintf("running, pid %d:\n%sinstalled, %s:\n%s", p.pid, indent(running), p.program, indent(next))
	was, _, _ := strings.Cut(running, "\n")
	takes, _, _ := strings.Cut(next, "\n")
	if was != takes {
		err = fmt.Errorf("a restart would be an ordinary one, with the peer serving meanwhile: the daemon says %q, the program %q", was, takes)
	}
	return told, err
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}

// restart replaces the daemon by the program that is installed now, without a gap, and
// waits until the new daemon serves. A daemon under systemd ends, and systemd starts the
// new one.
func restart(args []string) int {
	fs := flag.NewFlagSet("tandem restart", flag.ContinueOnError)
	run := fs.String("run", manage.DefaultRunDir, "run `directory` of the daemon")
	if err := fs.Parse(args); err != nil || fs.NArg() > 0 {
		return exitUsage
	}
	p, err := findDaemon(*run)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tandem restart:", err)
		return exitNoDaemon
	}
	if _, err = p.check(); err == nil {
		err = syscall.Kill(p.pid, syscall.SIGUSR2)
	}
	if err == nil {
		err = p.awaitSuccessor()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "tandem restart:", err)
		return exitRefused
	}
	return exitDone
}

// awaitSuccessor waits until another daemon has written the pid file and answers on its
// console.
func (p daemonProcess) awaitSuccessor() error {
	ctx, cancel := context.WithTimeout(context.Background(), restartLimit)
	defer cancel()
	for ; ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
		next, err := findDaemon(p.run)
		if err != nil || next.started.Equal(p.started) {
			continue
		}
		client := manage.NewClient(filepath.Join(p.run, "console.sock"))
		_, err = client.Open(ctx, false)
		client.Close()
		if err == nil {
			return nil
		}
	}
	return errors.New("no successor answers; see the daemon's log")
}
