package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"tandem/internal/linux/caps"
)

// run is one call of the program.
type run struct {
	ctx context.Context
	// daemon is the path of tandemd.
	daemon string
	// dir holds the run directories and logs of the daemons.
	dir string
	// profile is the directory for processor profiles of the daemons, empty for none.
	profile string
	// duration is the length of F10.
	duration time.Duration
}

// Main runs the bench command and returns the exit status: 0 if every requested figure was
// measured, whether or not it met its goal; 1 if one could not be measured; 2 for wrong
// usage.
func Main(args []string) int {
	// A daemon is killed when the thread that started it ends, so that no daemon outlives
	// an interrupted run. So this thread must live as long as the process.
	runtime.LockOSThread()
	fs := flag.NewFlagSet("tandem-lab bench", flag.ContinueOnError)
	asJSON := fs.String("json", "", "write the results to a `file`, or to one file a figure in a directory")
	profile := fs.String("profile", "", "write processor profiles of the daemons into a `directory`")
	duration := fs.Duration("duration", livenessTime, "how long F10 puts load on; its goal is about ten minutes")
	page := fs.String("page", "", "put the table into a `file` of documentation")
	fs.Usage = func() {
		fmt.Fprintf(fs.Output(), "usage: tandem-lab bench [ FIGURE ... ] [ -json FILE|DIR ] [ -page FILE ] [ -profile DIR ] [ -duration TIME ]\n\nfigures:\n")
		for _, f := range figures {
			fmt.Fprintf(fs.Output(), "  %-4s %s\n", f.id, f.about)
		}
		fs.PrintDefaults()
	}
	names, err := parse(fs, args)
	if err != nil {
		return 2
	}
	wanted, err := choose(names)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tandem-lab bench:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	r := &run{ctx: ctx, profile: *profile, duration: *duration}
	if err := measure(r, wanted, *asJSON, *page); err != nil {
		fmt.Fprintln(os.Stderr, "tandem-lab bench:", err)
		return 1
	}
	return 0
}

// parse accepts flags before, between and after the names of figures.
func parse(fs *flag.FlagSet, args []string) (names []string, err error) {
	for len(args) > 0 {
		if err := fs.Parse(args); err != nil {
			return nil, err
		}
		args = fs.Args()
		if len(args) > 0 {
			names = append(names, args[0])
			args = args[1:]
		}
	}
	return names, nil
}

// choose finds figures by name. Without names it returns all.
func choose(names []string) ([]figure, error) {
	if len(names) == 0 {
		return figures, nil
	}
	var wanted []figure
	for _, name := range names {
		i := slices.IndexFunc(figures, func(f figure) bool { return strings.EqualFold(f.id, name) })
		if i < 0 {
			return nil, fmt.Errorf("there is no figure %q", name)
		}
		wanted = append(wanted, figures[i])
	}
	return wanted, nil
}

func measure(r *run, wanted []figure, asJSON, page string) error {
	if err := caps.Check(); err != nil {
		return err
	}
	daemon, err := findDaemon()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "tandem-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r.daemon, r.dir = daemon, dir
	var errs []error
	var reports []report
	c := beginning()
	for _, f := range wanted {
		o, err := f.run(r)
		if r.ctx.Err() != nil {
			return r.ctx.Err()
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", f.id, err))
			fmt.Fprintf(os.Stderr, "%s could not be measured: %v\n\n", f.id, err)
			continue
		}
		rep := f.report(o)
		rep.print(os.Stdout)
		reports = append(reports, rep)
		if err := write(rep, asJSON); err != nil {
			errs = append(errs, err)
		}
	}
	if len(reports) > 1 {
		summary(os.Stdout, reports, c)
	}
	if page != "" {
		errs = append(errs, writePage(page, reports, c))
	}
	return errors.Join(errs...)
}

func write(r report, path string) error {
	if path == "" {
		return nil
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, r.Figure+".json")
	}
	return r.save(path)
}

// findDaemon looks for tandemd in the directory of this program, then in the search path.
func findDaemon() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	beside := filepath.Join(filepath.Dir(self), "tandemd")
	if _, err := os.Stat(beside); err == nil {
		return beside, nil
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if path := filepath.Join(dir, "tandemd"); isFile(path) {
			return path, nil
		}
	}
	return "", fmt.Errorf("no tandemd beside %s or on the search path", self)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
