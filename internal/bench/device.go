package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tandem/internal/probe"

	"golang.org/x/sys/unix"
)

// device is a running tandemd.
type device struct {
	name    string
	dir     string
	cmd     *exec.Cmd
	log     *bytes.Buffer
	console *probe.Probe
	exited  chan struct{}
}

// deviceOptions holds options for the start of a device.
type deviceOptions struct {
	// lines are additional configuration lines for the system view.
	lines []string
	// arguments are additional arguments of tandemd.
	arguments []string
	// oneCore runs the daemon and its helpers on the last processor only.
	oneCore bool
}

// startDevice starts a daemon in its namespace and waits for its console.
func (r *run) startDevice(n *network, name string, opt deviceOptions) (*device, error) {
	d := &device{name: name, log: new(bytes.Buffer), exited: make(chan struct{})}
	var err error
	if d.dir, err = os.MkdirTemp(r.dir, name+"-"); err != nil {
		return nil, err
	}
	conf := filepath.Join(d.dir, "device.cfg")
	if err := os.WriteFile(conf, []byte(configuration(name, opt.lines)), 0o644); err != nil {
		return nil, err
	}
	args := append([]string{"-config", conf, "-run", d.dir, "-state", filepath.Join(d.dir, "state")}, opt.arguments...)
	d.cmd = exec.Command(r.daemon, args...)
	d.cmd.Stdout, d.cmd.Stderr = d.log, d.log
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL, Setpgid: true}
	start := func() error { return n.spaces[name].Start(d.cmd) }
	if opt.oneCore {
		err = onProcessor(runtime.NumCPU()-1, start)
	} else {
		err = start()
	}
	if err != nil {
		return nil, err
	}
	go func() { _ = d.cmd.Wait(); close(d.exited) }()
	d.console = probe.New(filepath.Join(d.dir, "console.sock"), 30*time.Second)
	if err := r.poll(10*time.Second, func() error { _, err := d.exec("display version"); return err }); err != nil {
		d.stop()
		return nil, fmt.Errorf("tandemd of device %s: %w\n%s", name, err, d.log)
	}
	return d, nil
}

func (d *device) stop() {
	_ = d.cmd.Process.Signal(unix.SIGTERM)
	select {
	case <-d.exited:
	case <-time.After(5 * time.Second):
		_ = d.cmd.Process.Kill()
		<-d.exited
	}
	d.console.Close()
}

// exec runs one line of the console.
func (d *device) exec(line string) (string, error) { return d.console.Exec(context.Background(), line) }

// display runs a display command and decodes its JSON.
func (d *device) display(what string, into any) error {
	return d.console.Display(context.Background(), what, into)
}

// debug reads a page of the daemon's profiler.
func (d *device) debug(path string) ([]byte, error) {
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "unix", filepath.Join(d.dir, "console.sock"))
	}}}
	defer client.CloseIdleConnections()
	resp, err := client.Get("http://tandem/debug/pprof/" + path)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, resp.Status)
	}
	return io.ReadAll(resp.Body)
}

// heap returns the size of live objects after a garbage collection, in bytes.
func (d *device) heap() (int, error) {
	b, err := d.debug("heap?gc=1&debug=1")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if v, found := strings.CutPrefix(strings.TrimSpace(line), "# HeapAlloc = "); found {
			return strconv.Atoi(v)
		}
	}
	return 0, fmt.Errorf("no HeapAlloc in the heap profile")
}

// profiled runs f. If the run records profiles, it records the daemon's processor profile
// during f.
func (r *run) profiled(d *device, name string, f func() error) error {
	if r.profile == "" {
		return f()
	}
	const seconds = 4
	done := make(chan error, 1)
	go func() {
		b, err := d.debug(fmt.Sprintf("profile?seconds=%d", seconds))
		if err == nil {
			err = os.WriteFile(filepath.Join(r.profile, name+"-"+d.name+".pprof"), b, 0o644)
		}
		done <- err
	}()
	time.Sleep(200 * time.Millisecond)
	if err := f(); err != nil {
		return err
	}
	return <-done
}

// saveHeap writes the daemon's heap profile, if the run records profiles.
func (r *run) saveHeap(d *device, name string) error {
	if r.profile == "" {
		return nil
	}
	b, err := d.debug("heap?gc=1")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.profile, name+"-"+d.name+".heap.pprof"), b, 0o644)
}

// processorTime returns the processor time that the daemon has used so far, without its
// helpers.
func (d *device) processorTime() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", d.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	user, err := strconv.Atoi(fields[11])
	if err != nil {
		return 0, err
	}
	system, err := strconv.Atoi(fields[12])
	return time.Duration(user+system) * (time.Second / 100), err // in ticks of USER_HZ
}

// resident returns the physical memory of the daemon in bytes.
func (d *device) resident() (int, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", d.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	pages, err := strconv.Atoi(strings.Fields(string(b))[1])
	return pages * os.Getpagesize(), err
}

// poll calls done until it returns nil. When the time limit is reached, poll returns the
// last error of done.
func (r *run) poll(limit time.Duration, done func() error) error {
	return probe.Await(r.ctx, limit, 20*time.Millisecond, done)
}
