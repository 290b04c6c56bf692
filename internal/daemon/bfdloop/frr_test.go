package bfdloop_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"tandem/internal/bfd"
	"tandem/internal/daemon/bfdloop"
	"tandem/internal/linux/testnet"
)

const bfddPath = "/usr/lib/frr/bfdd"

// bfdd is FRR's BFD daemon on one device.
type bfdd struct {
	*end
	dir string
	cmd *exec.Cmd
}

// newBFDD prepares a bfdd with one session to peer, 10 ms x 3. It skips the test
// where FRR is not installed.
func newBFDD(e *end, peer *end) *bfdd {
	e.t.Helper()
	for _, tool := range []string{bfddPath, "vtysh"} {
		if _, err := exec.LookPath(tool); err != nil {
			e.t.Skipf("needs FRR (package frr): %v", err)
		}
	}
	owner, err := user.Lookup("frr")
	if err != nil {
		e.t.Skipf("needs FRR's user: %v", err)
	}
	uid, _ := strconv.Atoi(owner.Uid)
	gid, _ := strconv.Atoi(owner.Gid)
	// Not t.TempDir: its parent is closed to the user that bfdd becomes.
	dir, err := os.MkdirTemp("", "bfdd")
	testnet.Must(e.t, err)
	e.t.Cleanup(func() { os.RemoveAll(dir) })
	conf := fmt.Sprintf(`bfd
 peer %v local-address %v
  receive-interval 10
  transmit-interval 10
  detect-multiplier 3
 exit
exit
`, peer.address, e.address)
	testnet.Must(e.t, os.WriteFile(filepath.Join(dir, "bfdd.conf"), []byte(conf), 0o644))
	testnet.Must(e.t, os.Chown(dir, uid, gid))
	testnet.Must(e.t, os.Chmod(dir, 0o755))
	d := &bfdd{end: e, dir: dir}
	e.t.Cleanup(d.kill)
	return d
}

func (d *bfdd) start() {
	d.t.Helper()
	d.cmd = exec.Command(bfddPath, "-u", "frr", "-g", "frr", "-P", "0",
		"-f", d.dir+"/bfdd.conf", "-i", d.dir+"/pid", "-z", d.dir+"/zserv",
		"--vty_socket", d.dir, "--bfdctl", d.dir+"/control")
	testnet.Must(d.t, d.Node.Start(d.cmd))
}

func (d *bfdd) signal(s syscall.Signal) {
	d.t.Helper()
	testnet.Must(d.t, d.cmd.Process.Signal(s))
}

// stop ends bfdd and waits until it is gone.
func (d *bfdd) stop(s syscall.Signal) {
	d.t.Helper()
	d.signal(s)
	_ = d.cmd.Wait()
	d.cmd = nil
}

func (d *bfdd) kill() {
	if d.cmd != nil {
		_ = d.cmd.Process.Kill()
		_ = d.cmd.Wait()
	}
}

// bfddPeer is what bfdd shows of its session.
type bfddPeer struct {
	Status                 string
	Diagnostic             string
	RemoteDiagnostic       string `json:"remote-diagnostic"`
	ID                     uint32
	RemoteID               uint32 `json:"remote-id"`
	RemoteReceiveInterval  int    `json:"remote-receive-interval"`
	RemoteTransmitInterval int    `json:"remote-transmit-interval"`
	RemoteDetectMultiplier int    `json:"remote-detect-multiplier"`
}

func (d *bfdd) show() (bfddPeer, error) {
	out, err := exec.Command("vtysh", "--vty_socket", d.dir, "-c", "show bfd peers json").Output()
	if err != nil {
		return bfddPeer{}, fmt.Errorf("vtysh: %w: %s", err, out)
	}
	var peers []bfddPeer
	if err := json.Unmarshal(out, &peers); err != nil {
		return bfddPeer{}, fmt.Errorf("vtysh shows %q: %w", out, err)
	}
	if len(peers) != 1 {
		return bfddPeer{}, fmt.Errorf("bfdd has %d sessions", len(peers))
	}
	return peers[0], nil
}

// awaitShow waits until bfdd shows what is expected.
func (d *bfdd) awaitShow(what string, ok func(bfddPeer) bool) bfddPeer {
	d.t.Helper()
	var p bfddPeer
	var err error
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if p, err = d.show(); err == nil && ok(p) {
			return p
		}
	}
	d.t.Fatalf("bfdd does not show %s: %+v, %v", what, p, err)
	return p
}

func TestInteropWithFRR(t *testing.T) {
	a, b := newPair(t, bfdloop.SelfHelper())
	d := newBFDD(b, a)
	d.start()
	ours := single("frr", addressA, addressB, 7, 0)
	a.start(ours)

	a.await(bfd.Up)
	awaitAgreed(t, a, 300*time.Millisecond)
	up := d.awaitShow("our discriminator and intervals", func(p bfddPeer) bool {
		return p.Status == "up" && p.RemoteID == 7 && p.RemoteDetectMultiplier == 3 &&
			p.RemoteReceiveInterval == 100 && p.RemoteTransmitInterval == 100
	})
	if s := a.loop.Snapshot()[0]; s.ActualRemoteDiscriminator != up.ID || s.ActualTx != 100*time.Millisecond {
		t.Errorf("our view %+v does not fit bfdd's %+v", s, up)
	}

	t.Run("intervals change by a Poll Sequence", func(t *testing.T) {
		changed := ours
		changed.MinTx, changed.MinRx, changed.DetectMult = 200*time.Millisecond, 400*time.Millisecond, 5
		testnet.Must(t, a.loop.Configure([]bfd.Config{changed}))
		d.awaitShow("200 ms, 400 ms, 5", func(p bfddPeer) bool {
			return p.RemoteTransmitInterval == 200 && p.RemoteReceiveInterval == 400 && p.RemoteDetectMultiplier == 5
		})
		testnet.Must(t, a.loop.Configure([]bfd.Config{ours}))
		awaitAgreed(t, a, 300*time.Millisecond)
		if s := a.loop.Snapshot()[0]; s.State != bfd.Up || s.Flaps != 0 {
			t.Errorf("session flapped: %+v", s)
		}
	})

	t.Run("silent drop", func(t *testing.T) {
		a.dropSilently()
		cut := a.now()
		down := a.await(bfd.Down)
		if down.Diagnostic != bfd.DiagDetectionTimeExpired {
			t.Errorf("diagnostic %q", down.Diagnostic)
		}
		t.Logf("detected %v after the cut", down.At-cut)
		d.awaitShow("down", func(p bfddPeer) bool { return p.Status == "down" })
		a.stopDropping()
		a.await(bfd.Up)
	})

	t.Run("bfdd killed and started again", func(t *testing.T) {
		awaitAgreed(t, a, 300*time.Millisecond)
		d.stop(syscall.SIGKILL)
		if down := a.await(bfd.Down); down.Diagnostic != bfd.DiagDetectionTimeExpired {
			t.Errorf("diagnostic %q", down.Diagnostic)
		}
		d.start()
		a.await(bfd.Up)
	})

	t.Run("bfdd stopped in order", func(t *testing.T) {
		d.stop(syscall.SIGTERM)
		a.await(bfd.Down)
		d.start()
		a.await(bfd.Up)
	})

	t.Run("shut down here", func(t *testing.T) {
		shut := ours
		shut.Shutdown = true
		testnet.Must(t, a.loop.Configure([]bfd.Config{shut}))
		a.await(bfd.AdminDown)
		d.awaitShow("administratively down", func(p bfddPeer) bool {
			return p.Status == "down" && p.RemoteDiagnostic == "administratively down"
		})
		testnet.Must(t, a.loop.Configure([]bfd.Config{ours}))
		a.await(bfd.Up)
	})

	t.Run("10 ms x 3", func(t *testing.T) {
		testnet.Must(t, a.loop.Configure([]bfd.Config{fast(ours)}))
		d.awaitShow("10 ms", func(p bfddPeer) bool {
			return p.Status == "up" && p.RemoteReceiveInterval == 10 && p.RemoteTransmitInterval == 10
		})
		awaitAgreed(t, a, 30*time.Millisecond)
	})
}
