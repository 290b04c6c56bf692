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

// Names of the files that the program hands over besides those of the daemon.
const (
	lockFile    = "lock"
	consoleFile = "console"
)

// running holds what a successor takes over.
type running struct {
	daemon   *daemon.Daemon
	state    string // the state directory
	log      *journal.Journal
	lock     *os.File
	listener *manage.Socket
}

// succeed waits for the signal that tells the daemon to hand over. With a supervisor, a
// new process will come. Without one, this process becomes the program that is installed
// now. If the installed program cannot take over, a daemon under a supervisor ends as if
// it were stopped, so that the peer takes over; a daemon without one continues.
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

// pass hands everything over. After that this program must not close or remove anything,
// because it belongs to the successor. So pass returns only after an error.
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

// tellSupervisor reports to the supervisor that the daemon serves and, from then on, that
// it is alive. It removes from the supervisor's store the files that are now in use.
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

// fits runs a program with -check to find out whether it can take over.
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
