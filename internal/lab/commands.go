package lab

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// Main runs a command of the lab: up, down, demo or vm. It returns the exit status: 0 on
// success, 1 on a failure, 2 on wrong usage.
func Main(command string, args []string) int {
	commands := map[string]func(plan, []string) error{
		"up": runUp, "down": runDown, "demo": runDemo, "vm": runVM, keeperCommand: runKeeper, guestCommand: runGuest,
	}
	run, ok := commands[command]
	if !ok {
		fmt.Fprintf(os.Stderr, "tandem-lab: unknown command %q: see \"tandem-lab help\"\n", command)
		return 2
	}
	err := run(newPlan(), args)
	var status exitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	}
	fmt.Fprintf(os.Stderr, "tandem-lab: %v\n", err)
	return 1
}

// exitStatus is an error that has been reported already.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// newFlags returns the flag set of a command. synopsis describes the arguments after the
// command's name.
func newFlags(command, synopsis string) *flag.FlagSet {
	fs := flag.NewFlagSet("tandem-lab "+command, flag.ContinueOnError)
	fs.Usage = func() {
		fmt.Fprintln(fs.Output(), strings.TrimSpace("usage: "+fs.Name()+" "+synopsis))
		fs.PrintDefaults()
	}
	return fs
}

// parse reads the flags of a command, which takes no other arguments.
func parse(fs *flag.FlagSet, args []string) error {
	if err := fs.Parse(args); err != nil {
		return exitStatus(2)
	}
	if fs.NArg() > 0 {
		fmt.Fprintf(fs.Output(), "%s: unexpected %q\n", fs.Name(), fs.Arg(0))
		fs.Usage()
		return exitStatus(2)
	}
	return nil
}

// untilSignal returns a context that ends with the first Ctrl-C or SIGTERM. Later signals are
// ignored until stop, so that they do not interrupt the cleaning up.
func untilSignal() (ctx context.Context, stop context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
}

// runUp builds the lab and keeps it until it is interrupted. With -detach a background
// process keeps it.
func runUp(p plan, args []string) error {
	fs := newFlags("up", "[ -detach ] [ -lacp | -plain ]")
	detach := fs.Bool("detach", false, "keep the lab up in the background")
	lacp := fs.Bool("lacp", p.lacp, "bonds that speak LACP")
	plain := fs.Bool("plain", p.plain, "a plain VLAN without a LAG: both devices hear every host")
	if err := parse(fs, args); err != nil {
		return err
	}
	if p.lacp, p.plain = *lacp, *plain; p.lacp && p.plain {
		return errors.New("a plain VLAN has no LACP: give one of -lacp and -plain")
	}
	if *detach {
		return detached(p)
	}
	if os.Geteuid() != 0 {
		return inUserNamespace(p, append([]string{"up"}, args...))
	}
	ctx, stop := untilSignal()
	defer stop()
	return keep(ctx, p, printf, func(l *lab) error {
		l.describe(os.Stdout)
		fmt.Println("\nCtrl-C removes it.")
		return nil
	})
}

func printf(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// keep keeps a lab until the context ends. It calls ready when the consoles answer.
func keep(ctx context.Context, p plan, logf func(string, ...any), ready func(*lab) error) (err error) {
	l, err := raise(p, logf)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	if err := l.startDaemons(ctx); err != nil {
		return interrupted(ctx, err)
	}
	if err := ready(l); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// interrupted replaces an error that an interruption has caused by the exit status that a shell
// expects.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil && err != nil {
		return exitStatus(128 + int(syscall.SIGINT))
	}
	return err
}

func runDown(p plan, args []string) error {
	if err := parse(newFlags("down", ""), args); err != nil {
		return err
	}
	found, err := takeDown(p)
	if err != nil {
		return err
	}
	if !found {
		fmt.Println("no lab is up")
	}
	return nil
}
