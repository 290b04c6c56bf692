package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"

	sdaemon "github.com/coreos/go-systemd/v22/daemon"

	"tandem/internal/daemon"
	"tandem/internal/event"
	"tandem/internal/journal"
	"tandem/internal/linux/inherit"
	"tandem/internal/manage"
	"tandem/internal/task"
)

// Names of what the program hands on beside what the daemon does.
const (
	lockFile    = "lock"
	consoleFile = "console"
)

// running is what a successor takes over.
type running struct {
	daemon   *daemon.Daemon
	state    string // directory
	log      *journal.Journal
	lock     *os.File
	listener *manage.Socket
}

// succeed waits for the signal by which the daemon is to be replaced. A supervisor has
// decided by then that a new process will come; without one the process becomes the
// program that is installed now. Where that could not go on from here, a supervised
// daemon ends as it does for good, with the peer taking over, and another goes on.
func succeed(ctx context.Context, signals <-chan os.Signal, stop func(), r *running) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-signals:
		}
		program, err := os.Executable()
		if err == nil {
			err = fits(program, r.state)
		}
		if err == nil { // the successor needs the run directory, too
			_, err = r.listener.Remake()
		}
		switch {
		case err == nil:
			return r.daemon.HandOver(func(files inherit.Files) error { return r.pass(program, files) })
		case inherit.Supervised():
			r.log.Emit(event.RestartRefused.With(err))
			stop()
		default:
			r.log.Emit(event.RestartRefused.With(err))
		}
	}
}

// pass hands everything on. Nothing must be closed or removed afterwards, as it is the
// successor's by then: so it does not return but for an error.
func (r *running) pass(program string, files inherit.Files) error {
	console, err := r.listener.File()
	if err != nil {
		return err
	}
	r.log.Flush()
	files = append(files, inherit.File{Name: lockFile, File: r.lock}, inherit.File{Name: consoleFile, File: console})
	if !inherit.Supervised() {
		return inherit.Exec(program, os.Args, files)
	}
	if err := inherit.Store(files); err != nil {
		return err
	}
	os.Exit(0)
	return nil
}

// tellSupervisor says that the daemon serves and, from then on, that it is alive. What
// has come from the store is in use by now and need not come again.
func tellSupervisor(tasks *task.Group, d *daemon.Daemon, log *journal.Journal) {
	names := slices.Concat(daemon.HandedOn(), []string{lockFile, consoleFile})
	if err := errors.Join(inherit.Notify(sdaemon.SdNotifyReady), inherit.Forget(names)); err != nil {
		log.Emit(event.SupervisorNotTold.With(err))
	}
	every, err := sdaemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Emit(event.SupervisorNotTold.With(err))
	}
	if every > 0 {
		tasks.Go("watchdog", func(ctx context.Context) error {
			d.WhileAlive(ctx, every/3, func() { _ = inherit.Notify(sdaemon.SdNotifyWatchdog) })
			return nil
		})
	}
}

// fits asks a program whether it can take over.
func fits(program, state string) error {
	out, err := exec.Command(program, "-check", "-state", state).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s -check: %w: %s", program, err, out)
	}
	var version int
	if _, err := fmt.Sscanf(string(out), handOverLine, &version); err != nil {
		return fmt.Errorf("%s -check says %q", program, out)
	}
	if version != daemon.HandOverVersion {
		return fmt.Errorf("%s takes over version %d, this daemon hands over version %d", program, version, daemon.HandOverVersion)
	}
	return nil
}
