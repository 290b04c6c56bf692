// Tandemd is the daemon of one device: it learns MLD listeners, replicates them to its
// peer, shares the sending with the peer and takes over when the peer dies.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"tandem/internal/config"
	"tandem/internal/console"
	"tandem/internal/daemon"
	"tandem/internal/daemon/bfdloop"
	"tandem/internal/daemon/identity"
	"tandem/internal/event"
	"tandem/internal/journal"
	"tandem/internal/linux/caps"
	"tandem/internal/linux/inherit"
	"tandem/internal/linux/sched"
	"tandem/internal/manage"
	"tandem/internal/manage/sshd"
	"tandem/internal/metrics"
	"tandem/internal/task"
	"tandem/internal/web"
)

type flags struct {
	config, run, state, group string
	level                     slog.Level
	check                     bool
	recording                 int // MiB
}

func (f *flags) register(fs *flag.FlagSet) {
	fs.StringVar(&f.config, "config", "", "`file` of console commands for a device that was never configured")
	fs.StringVar(&f.run, "run", "/run/tandem", "`directory` of the console socket, the pid file and the lock")
	fs.StringVar(&f.group, "group", "", "`name` of a group whose members may use the console as well, none if empty")
	fs.StringVar(&f.state, "state", "/var/lib/tandem", "`directory` of the configuration and the device's identity")
	fs.IntVar(&f.recording, "recording", 32, "how many `MiB` of the device's inputs are kept for tandem record, 0 for none")
	fs.TextVar(&f.level, "log", slog.LevelInfo, "least `level` that is logged: debug, info, warn or error")
	fs.BoolVar(&f.check, "check", false, "say whether this program can take over from one that runs, and end")
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == bfdloop.HelperArg {
		os.Exit(bfdloop.HelperMain())
	}
	var f flags
	f.register(flag.CommandLine)
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "tandemd: unexpected argument %q\n", flag.Arg(0))
		os.Exit(2)
	}
	if f.check {
		os.Exit(checkMain(f.state))
	}
	if err := run(f); err != nil {
		fmt.Fprintln(os.Stderr, "tandemd:", err)
		os.Exit(1)
	}
}

func run(f flags) error {
	log := journal.New(journal.Handler(f.level))
	defer log.Flush()
	ignoreLosses()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	successors := make(chan os.Signal, 1)
	signal.Notify(successors, syscall.SIGUSR2)
	inherited := inherit.Take()

	// The capabilities are checked first. Otherwise a later error would name a file that
	// cannot be opened, and not the missing capability.
	if err := caps.Check(); err != nil {
		return err
	}
	lock, err := identity.Lock(f.run, inherited.One(lockFile))
	if err != nil {
		return err
	}
	defer lock.Close()
	// After the lock, so that a second daemon prints only that another one is running.
	if err := sched.RaiseProcess(); err != nil {
		log.Emit(event.PriorityNotRaised.With(err))
	}
	store, err := config.Open(f.state)
	if err != nil {
		return err
	}
	for _, damage := range store.Damage() {
		log.Emit(event.StoreDamaged.With(damage))
	}
	id, err := identity.DeviceID(f.state)
	if err != nil {
		return err
	}
	certificate, made, err := identity.Certificate(f.state)
	if err != nil {
		return err
	}
	if made != nil {
		log.Emit(event.CertificateMade.With(fmt.Sprintf("%x", certificate.Fingerprint()), made))
	}
	consoleSocket := inherited.One(consoleFile)
	build := console.ThisBuild()
	d, err := daemon.New(daemon.Options{
		RunDir: f.run, Version: build.Version, DeviceID: id, Certificate: certificate, Journal: log, BFDHelper: bfdloop.SelfHelper(), Inherited: inherited,
		Recording: f.recording << 20,
	})
	if err != nil {
		return err
	}
	var system *console.System
	remote := sshd.New(f.state, log, func(l console.Login) *manage.Near { return manage.NewNear(system, l) })
	defer remote.Close()
	router := &reachable{d, remote, store}
	system = &console.System{Backend: router, Store: store, Build: build, Journal: log, Record: d.Record, SSH: remote.State}
	log.Emit(event.Started.With(system.Build.Version, fmt.Sprintf("%016x", id)))
	listener, err := manage.NewSocket(filepath.Join(f.run, "console.sock"), f.group, consoleSocket)
	if err != nil {
		return err
	}

	page := web.NewServer(web.Handler(d, log, metrics.Handler(d, log, build)), log, store.Running)
	system.HTTP = page.State

	tasks := task.NewGroup(ctx)
	tasks.Go("web page", page.Run)
	tasks.Go("console socket", func(ctx context.Context) error { return listener.Keep(ctx, log) })
	tasks.Go("start", func(ctx context.Context) error {
		if err := start(router, system, f.config, log); err != nil {
			return err
		}
		tellSupervisor(tasks, d, log)
		tasks.Go("restart", func(ctx context.Context) error {
			return succeed(ctx, successors, stop, &running{d, f.state, log, lock, listener})
		})
		// Clients that connect before the configuration is in force wait until it is,
		// because they must not see half of it.
		return manage.Serve(ctx, listener, system, log)
	})
	// This runs even if the daemon was told to end already, because it releases in order
	// what the daemon has opened.
	err = d.Run(tasks.Context())
	// The error of the goroutine says enough; the goroutine's name is of no use to an
	// operator.
	return cmp.Or(err, errors.Unwrap(tasks.Stop()))
}

// ignoreLosses keeps the daemon running when its terminal, or the reader of its log, has
// gone. Neither may end a router.
func ignoreLosses() { signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE) }
