package pairtest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"tandem/internal/linux/testnet"
)

// TestRecordedIncident: a device dies and comes back under traffic, while hosts join and leave.
// Both recordings replay to the recorded decisions, with and without addresses, from the boot
// and from a checkpoint. No secret is in the files.
func TestRecordedIncident(t *testing.T) {
	p := newPair(t)
	p.start()
	const streams = 50
	l := p.startLoad(streams)
	p.forms(streams)
	l.flows()
	p.b.crash()
	p.steer("a")
	eventually(t, "device a sends everything", p.a.sole)
	joined := p.join(asmGroup, noSource)
	p.b.start()
	p.forms(streams + 1)
	joined.leave()
	p.forms(streams)
	for _, d := range []*device{p.a, p.b} {
		d.replays("incident")
		d.restarts() // after the restart the recording begins with a checkpoint
	}
	p.forms(streams)
	p.b.crash()
	eventually(t, "device a sends everything again", p.a.sole)
	p.b.start()
	p.forms(streams)
	p.a.replays("again")
}

// replays makes a recording of a device and fails unless it replays to the same decisions.
func (d *device) replays(name string) {
	d.t.Helper()
	for _, mask := range []bool{false, true} {
		file := filepath.Join(d.t.TempDir(), name)
		args := []string{"record", "-s", filepath.Join(d.runDir(), "console.sock"), file}
		if mask {
			args = append([]string{"record", "-mask"}, args[1:]...)
		}
		if status, said := d.run(exec.Command(program("tandem"), args...)); status != 0 {
			d.t.Fatalf("record: status %d, %s", status, said)
		}
		content, err := os.ReadFile(file)
		testnet.Must(d.t, err)
		for secret, hidden := range map[string]bool{"Pair-Test-1": true, string(sourceAddr.AsSlice()): mask} {
			if bytes.Contains(content, []byte(secret)) == hidden {
				d.t.Errorf("device %s, mask %v: %q is in the file: %v", d.name, mask, secret, hidden)
			}
		}
		out, err := exec.Command(program("tandem"), "replay", "-q", file).CombinedOutput()
		if err != nil {
			d.t.Errorf("device %s, mask %v: replay: %v\n%s", d.name, mask, err, out)
		}
		d.t.Logf("device %s, mask %v, %d bytes: %s", d.name, mask, len(content), bytes.TrimSpace(out))
	}
}
