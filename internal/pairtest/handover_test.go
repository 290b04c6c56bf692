package pairtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tandem/internal/linux/testnet"
)

// goneOn is the event that a daemon logs after it has taken over from a predecessor.
const goneOn = "TOOK_OVER"

// TestRestartWithoutGap: a daemon is replaced by the installed program several times, under
// 1,000 streams of 10 packets a second each. Not one packet is lost. The peer notices only that
// its replication channel closes and opens.
func TestRestartWithoutGap(t *testing.T) {
	p := newPair(t)
	p.start()
	const streams = 1000
	l := p.startLoad(streams)
	p.forms(streams)
	for round := range 2 {
		for _, d := range []*device{p.a, p.b} {
			from := l.steady()
			before := [2]string{p.a.roles(), p.b.roles()}
			d.restarts()
			p.forms(streams)
			l.unbroken(from, fmt.Sprintf("round %d, device %s", round+1, d.name))
			if after := [2]string{p.a.roles(), p.b.roles()}; after != before {
				t.Errorf("round %d, device %s: roles, duty or BFD changed\nfrom %q\nto   %q", round+1, d.name, before, after)
			}
		}
	}
}

// restarts lets a daemon restart gracefully and waits for the successor.
func (d *device) restarts() {
	d.t.Helper()
	count := d.logged(goneOn)
	testnet.Must(d.t, d.process.cmd.Process.Signal(syscall.SIGUSR2))
	d.succeeded(count)
}

// TestRestartCommand: `tandem restart` returns when the successor serves. `tandem
// upgrade-check` reports programs that could not take over.
func TestRestartCommand(t *testing.T) {
	p := newPair(t)
	p.start()
	run := func(args ...string) (int, string) {
		return p.a.run(exec.Command(program("tandem"), args...))
	}
	if status, said := run("upgrade-check", "-run", p.a.runDir()); status != 0 {
		t.Errorf("upgrade-check: status %d, %s", status, said)
	}
	for _, other := range []string{"/bin/true", "/no/such/program"} {
		if status, said := run("upgrade-check", "-run", p.a.runDir(), other); status != 1 || said == "" {
			t.Errorf("upgrade-check %s: status %d, %q", other, status, said)
		}
	}
	for i := range 2 {
		if status, said := run("restart", "-run", p.a.runDir()); status != 0 {
			t.Fatalf("restart: status %d, %s", status, said)
		}
		if n := p.a.logged(goneOn); n != i+1 {
			t.Errorf("%d successors, want %d", n, i+1)
		}
	}
	p.a.client.Close()
	p.a.connect()
	p.forms(0)
	if status, said := run("restart", "-run", t.TempDir()); status != 3 {
		t.Errorf("restart of nothing: status %d, %s", status, said)
	}
}

// TestRestartIntoDamage: a daemon does not restart into a program that cannot run the
// configuration.
func TestRestartIntoDamage(t *testing.T) {
	p := newPair(t)
	p.start()
	commits, err := filepath.Glob(p.a.path("state") + "/commits/*")
	testnet.Must(t, err)
	for _, file := range commits {
		testnet.Must(t, os.WriteFile(file, []byte("no configuration"), 0o600))
	}
	testnet.Must(t, p.a.process.cmd.Process.Signal(syscall.SIGUSR2))
	eventually(t, "device a refuses", func() error {
		if p.a.logged("RESTART_REFUSED") == 0 {
			return errors.New("not in the log")
		}
		return nil
	})
	keepsServing(p.a)
}

// succeeded waits until one more daemon has taken over from its predecessor.
func (d *device) succeeded(count int) {
	d.t.Helper()
	eventually(d.t, "the successor of device "+d.name+" goes on", func() error {
		if n := d.logged(goneOn); n <= count {
			return fmt.Errorf("%d have, as before", n)
		}
		return nil
	})
	d.client.Close()
	d.connect()
}

// logged counts the lines of the daemon's log that contain a part.
func (d *device) logged(part string) int {
	log, err := os.ReadFile(d.path("log"))
	testnet.Must(d.t, err)
	return strings.Count(string(log), part)
}

// roles returns counts, from the log, of events that must not happen in a planned restart.
func (d *device) roles() string {
	return fmt.Sprintf("duties %d, BFD down %d, restarted peers %d",
		d.logged("DUTY_CHANGE"), d.logged("STACHG_TODWN"), d.logged("restarted"))
}
