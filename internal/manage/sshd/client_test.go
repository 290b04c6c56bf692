package sshd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tandem/internal/config"
	"tandem/internal/console"
	"tandem/internal/console/consoletest"
	"tandem/internal/journal"
	"tandem/internal/manage"
)

// patience is how long a test waits for an event that must come.
const patience = 30 * time.Second

// device is a console with an SSH server, and the console's log.
type device struct {
	t      *testing.T
	state  string
	system *console.System
	server *Server
	log    *log
	port   string
}

// log is a log that may be read while it is written.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// backend applies configurations to the SSH server.
type backend struct {
	console.Backend
	*Server
}

func (b backend) Apply(m *config.Model) error { return b.Server.Apply(m) }

func newDevice(t *testing.T, state string) *device {
	t.Helper()
	for _, program := range []string{"ssh", "ssh-keygen"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("OpenSSH is missing: %v", err)
		}
	}
	d := &device{t: t, state: state, system: consoletest.NewSystem(t), log: &log{}, port: freePort(t)}
	j := journal.New(slog.NewTextHandler(d.log, nil))
	d.server = New(state, j, func(l console.Login) *manage.Near { return manage.NewNear(d.system, l) })
	d.system.Backend, d.system.Journal, d.system.SSH = backend{d.system.Backend, d.server}, j, d.server.State
	t.Cleanup(d.server.Close)
	d.types("system-view", "ssh server port "+d.port, "ssh server enable", "commit")
	return d
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// types runs lines on the device itself, not over SSH. It fails if one is refused.
func (d *device) types(lines ...string) string {
	d.t.Helper()
	s := d.system.NewSession(console.Login{User: "root", Source: "test", Level: console.Configuration})
	var out strings.Builder
	for _, line := range lines {
		r := s.Exec(line)
		if r.Err != nil {
			d.t.Fatalf("%s: %s", line, r.Output)
		}
		out.WriteString(r.Output)
	}
	return out.String()
}

// user makes a user with a key of each type, and returns the file of the key.
func (d *device) user(name string, level int, keyType ...string) string {
	d.t.Helper()
	key := newKey(d.t, keyType...)
	d.types("system-view", "ssh user "+name, fmt.Sprint("level ", level), "public-key "+publicKey(d.t, key), "commit")
	return key
}

func newKey(t *testing.T, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "id")
	if out, err := exec.Command("ssh-keygen", append([]string{"-q", "-N", "", "-f", path, "-t"}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	return path
}

// publicKey returns the type and the base64 of a key.
func publicKey(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(text))[:2], " ")
}

// client returns the command line of an OpenSSH client.
func (d *device) client(ctx context.Context, key, user string, options []string, command ...string) *exec.Cmd {
	args := []string{"-F", "none", "-p", d.port, "-i", key, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR",
		"-o", "StrictHostKeyChecking=accept-new", "-o", "UserKnownHostsFile=" + filepath.Join(d.state, "known_hosts")}
	cmd := exec.CommandContext(ctx, "ssh", slices.Concat(args, options, []string{user + "@localhost"}, command)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + d.state, "TERM=xterm"}
	return cmd
}

// result is the result of a client.
type result struct {
	code     int
	out, err string
}

// runs runs a client until it ends.
func (d *device) runs(key, user, input string, command ...string) result {
	d.t.Helper()
	return d.runsWith(nil, key, user, input, command...)
}

func (d *device) runsWith(options []string, key, user, input string, command ...string) result {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), patience)
	defer cancel()
	cmd := d.client(ctx, key, user, options, command...)
	var out, errOut bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &errOut
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		d.t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errOut.String()}
}

// screen is a client on a terminal.
type screen struct {
	t    *testing.T
	keys io.WriteCloser
	seen *log
	done chan error
}

func (d *device) terminal(key, user string) *screen {
	d.t.Helper()
	cmd := d.client(d.t.Context(), key, user, []string{"-tt"})
	s := &screen{t: d.t, seen: &log{}, done: make(chan error, 1)}
	cmd.Stdout, cmd.Stderr = s.seen, s.seen
	var err error
	if s.keys, err = cmd.StdinPipe(); err != nil {
		d.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = cmd.Process.Kill() })
	go func() { s.done <- cmd.Wait() }()
	return s
}

// types sends keys and waits for new text on the screen.
func (s *screen) types(keys, want string) {
	s.t.Helper()
	before := len(s.seen.String())
	if _, err := io.WriteString(s.keys, keys); err != nil {
		s.t.Fatal(err)
	}
	s.waits(before, want)
}

func (s *screen) waits(from int, want string) {
	s.t.Helper()
	eventually(s.t, func() error {
		if text := s.seen.String()[from:]; !strings.Contains(text, want) {
			return fmt.Errorf("%q does not come, the screen shows %q", want, text)
		}
		return nil
	})
}

func eventually(t *testing.T, check func() error) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}
