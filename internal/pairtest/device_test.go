package pairtest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tandem/internal/linux/testnet"
	"tandem/internal/manage"
)

// limit bounds every wait; it matters only if a test fails.
const limit = 20 * time.Second

// patience is the BFD detect multiplier of the tests. pollInterval is how often they check a
// condition. An emulated machine is slow and sometimes stops for a large part of a second.
var patience, pollInterval = "3", 10 * time.Millisecond

func init() {
	if os.Getenv("TANDEM_VM") != "" {
		patience, pollInterval = "10", 50*time.Millisecond
	}
}

// device is one router: a namespace, directories that remain when its daemon ends, and the
// daemon while it runs.
type device struct {
	t    *testing.T
	name string // "a" or "b"
	*testnet.Node
	dir string
	// installed is the run directory if the daemon was installed from a package.
	installed string

	process *process
	client  *manage.Client
	console *manage.Session
	// exitStatus is the exit status of the last daemon.
	exitStatus int
}

// process is one run of a daemon.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

// pair is both devices with their network.
type pair struct {
	*network
	a, b *device
}

// newPair builds the network and two devices, but starts no daemon.
func newPair(t *testing.T) *pair {
	t.Helper()
	t.Parallel()
	n := newNetwork(t)
	return &pair{n, newDevice(t, "a", n.nodes["a"]), newDevice(t, "b", n.nodes["b"])}
}

// receivingPair returns a running pair, an SSM and an ASM stream, and a listener that receives
// each.
func receivingPair(t *testing.T) (p *pair, s *source, ssm, asm *listener) {
	t.Helper()
	p = newPair(t)
	p.start()
	s = p.stream(ssmGroup, asmGroup)
	ssm, asm = p.join(ssmGroup, sourceAddr), p.join(asmGroup, noSource)
	ssm.awaits(s)
	asm.awaits(s)
	return p, s, ssm, asm
}

func newDevice(t *testing.T, name string, node *testnet.Node) *device {
	t.Helper()
	d := &device{t: t, name: name, Node: node, dir: t.TempDir()}
	t.Cleanup(func() {
		if d.process != nil {
			d.kill()
		}
		if log, err := os.ReadFile(d.path("log")); t.Failed() && err == nil {
			t.Logf("log of device %s:\n%s", name, log)
		}
	})
	return d
}

func (d *device) path(name string) string { return filepath.Join(d.dir, name) }

func (d *device) runDir() string { return cmp.Or(d.installed, d.path("run")) }

// command returns the command that starts a daemon of the device.
func (d *device) command(args ...string) *exec.Cmd {
	cmd := exec.Command(program("tandemd"), args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// start starts the daemon. A device that was never configured runs the given lines; another one
// keeps its configuration.
func (d *device) start(lines ...string) {
	d.t.Helper()
	file := d.path("device.cfg")
	testnet.Must(d.t, os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o644))
	args := []string{"-run", d.runDir(), "-state", d.path("state")}
	if len(lines) > 0 {
		args = append(args, "-config", file)
	}
	d.launch(d.command(args...))
	d.connect()
}

// launch starts a daemon, which logs to the device's file.
func (d *device) launch(cmd *exec.Cmd) {
	d.t.Helper()
	log, err := os.OpenFile(d.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	testnet.Must(d.t, err)
	defer log.Close()
	cmd.Stderr = log
	testnet.Must(d.t, d.Start(cmd))
	p := &process{cmd: cmd, ended: make(chan struct{})}
	d.process = p
	go func() { _ = cmd.Wait(); close(p.ended) }()
}

// run runs a daemon that is expected to end by itself. It returns the exit status and the error
// output.
func (d *device) run(cmd *exec.Cmd) (status int, stderr string) {
	d.t.Helper()
	var said bytes.Buffer
	cmd.Stderr = &said
	testnet.Must(d.t, d.Start(cmd))
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			d.t.Fatal(err)
		}
	case <-time.After(limit):
		_ = cmd.Process.Kill()
		<-ended
		d.t.Fatalf("the daemon did not end; it said:\n%s", &said)
	}
	return cmd.ProcessState.ExitCode(), said.String()
}

// signal sends the daemon a signal and waits until it ends.
func (d *device) signal(s syscall.Signal) {
	d.t.Helper()
	testnet.Must(d.t, d.process.cmd.Process.Signal(s))
	d.ends(s)
}

// ends waits until a daemon that got a signal has ended.
func (d *device) ends(s syscall.Signal) {
	d.t.Helper()
	p := d.process
	d.process = nil
	d.client.Close()
	select {
	case <-p.ended:
	case <-time.After(limit):
		_ = p.cmd.Process.Kill()
		<-p.ended
		d.t.Errorf("the daemon of device %s did not end on %v", d.name, s)
	}
	d.exitStatus = p.cmd.ProcessState.ExitCode()
}

func (d *device) kill() { d.signal(syscall.SIGKILL) }

// crash kills the daemon and then runs the trunk guard, as a supervisor does.
func (d *device) crash() {
	d.t.Helper()
	d.kill()
	guard := exec.Command(program("tandem"), "trunk-guard", "-run", d.runDir())
	if status, said := d.run(guard); status != 0 {
		d.t.Fatalf("trunk-guard: %s", said)
	}
}

// connect opens a console session as soon as the daemon answers.
func (d *device) connect() {
	d.t.Helper()
	d.client = manage.NewClient(filepath.Join(d.runDir(), "console.sock"))
	eventually(d.t, "the console of device "+d.name+" answers", func() (err error) {
		select {
		case <-d.process.ended:
			log, _ := os.ReadFile(d.path("log"))
			d.t.Fatalf("the daemon of device %s has ended:\n%s", d.name, log)
		default:
		}
		d.console, err = d.client.Open(d.t.Context(), false)
		return err
	})
}

// exec runs one line of the console.
func (d *device) exec(line string) (manage.Reply, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return d.console.Exec(ctx, line)
}

// types runs lines that must be accepted, from the user view on.
func (d *device) types(lines ...string) {
	d.t.Helper()
	for _, line := range lines {
		reply, err := d.exec(line)
		testnet.Must(d.t, err)
		if reply.Failed {
			d.t.Fatalf("device %s refuses %q:\n%s", d.name, line, reply.Output)
		}
	}
}

// configures enters the system view, runs lines, commits and returns.
func (d *device) configures(lines ...string) {
	d.t.Helper()
	d.types("system-view")
	d.types(lines...)
	d.types("commit", "return")
}

// refuses runs a line that must be refused and returns the console's error.
func (d *device) refuses(line string) string {
	d.t.Helper()
	reply, err := d.exec(line)
	testnet.Must(d.t, err)
	if !reply.Failed {
		d.t.Fatalf("device %s accepts %q", d.name, line)
	}
	return reply.Output
}

// shows returns the text of a display.
func (d *device) shows(what string) string {
	d.t.Helper()
	reply, err := d.exec("display " + what)
	testnet.Must(d.t, err)
	if reply.Failed {
		d.t.Fatalf("display %s: %s", what, reply.Output)
	}
	return reply.Output
}

// display runs a display and decodes its facts.
func (d *device) display(what string, into any) error {
	reply, err := d.exec("display " + what + " | json")
	if err != nil {
		return err
	}
	if reply.Failed {
		return errors.New(reply.Output)
	}
	return json.Unmarshal([]byte(reply.Output), into)
}

// eventually waits until done returns nil. Its error says what is missing.
func eventually(t *testing.T, what string, done func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := done()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("never: %s: %v", what, err)
		}
		time.Sleep(pollInterval)
	}
}

// contains fails unless a text contains a part.
func contains(t *testing.T, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Errorf("%q is not in:\n%s", part, text)
	}
}

// oneLine fails unless a text is exactly one line.
func oneLine(t *testing.T, text string) {
	t.Helper()
	if strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n") {
		t.Errorf("not one line:\n%s", text)
	}
}

// facts decodes a display whose facts are a list of one element.
func facts[T any](d *device, what, list string) (T, error) {
	var all map[string]json.RawMessage
	var one []T
	var zero T
	if err := d.display(what, &all); err != nil {
		return zero, err
	}
	if err := json.Unmarshal(all[list], &one); err != nil {
		return zero, fmt.Errorf("display %s: %w", what, err)
	}
	if len(one) != 1 {
		return zero, fmt.Errorf("display %s shows %d of %s", what, len(one), list)
	}
	return one[0], nil
}
