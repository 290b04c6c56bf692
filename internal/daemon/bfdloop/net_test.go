package bfdloop_test

import (
	"errors"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/bfd"
	"tandem/internal/daemon/bfdloop"
	"tandem/internal/linux/testnet"
)

// end is one device: a namespace with the interface "bfd0" and a loop in it.
type end struct {
	*testnet.Node
	t       *testing.T
	address netip.Addr
	origin  time.Time
	loop    *bfdloop.Loop
}

var (
	addressA = netip.MustParseAddr("2001:db8:bfd::a")
	addressB = netip.MustParseAddr("2001:db8:bfd::b")
)

// newPair lays a cable between two devices. It skips the test when not root.
func newPair(t *testing.T) (a, b *end) {
	t.Helper()
	a = &end{Node: testnet.NewNode(t), t: t, address: addressA}
	b = &end{Node: testnet.NewNode(t), t: t, address: addressB}
	testnet.Cable(t, a.Node, "bfd0", b.Node, "bfd0")
	for _, e := range []*end{a, b} {
		testnet.Must(t, e.Links.AddAddress("bfd0", netip.PrefixFrom(e.address, 64)))
		testnet.AwaitLinkLocal(t, e.Node, "bfd0")
	}
	return a, b
}

// start runs a loop on the device and tells it of the interface.
func (e *end) start(cfgs ...bfd.Config) {
	e.t.Helper()
	e.origin = time.Now()
	loop, err := bfdloop.Start(bfdloop.Options{Origin: e.origin, OnThread: e.Enter})
	testnet.Must(e.t, err)
	e.loop = loop
	e.t.Cleanup(func() { _ = loop.Close() })
	testnet.Must(e.t, loop.Configure(cfgs))
	e.tellLink()
}

func (e *end) tellLink() {
	e.t.Helper()
	l, err := e.Links.Link("bfd0")
	testnet.Must(e.t, err)
	e.loop.SetLink("bfd0", l.Index, l.Up)
}

func (e *end) now() time.Duration { return time.Since(e.origin) }

// await waits for a state and fails when it does not come.
func (e *end) await(want bfd.State) bfdloop.Event {
	e.t.Helper()
	timeout := time.After(10 * time.Second)
	for {
		select {
		case ev := <-e.loop.Events():
			if ev.State == want {
				return ev
			}
		case <-timeout:
			e.t.Fatalf("%v is not %v: %+v", e.address, want, e.loop.Snapshot())
		}
	}
}

// shell runs a command in the device's namespace.
func (e *end) shell(stdin string, argv ...string) string {
	e.t.Helper()
	if _, err := exec.LookPath(argv[0]); err != nil {
		e.t.Skipf("needs %s: %v", argv[0], err)
	}
	var out strings.Builder
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &out
	if err := e.Run(cmd); err != nil {
		e.t.Fatalf("%v: %v: %s", argv, err, out.String())
	}
	return out.String()
}

// dropSilently makes everything that arrives vanish, as a dead router does.
func (e *end) dropSilently() {
	e.t.Helper()
	e.shell(`table netdev cut { chain in { type filter hook ingress device "bfd0" priority 0; policy drop; }; }`,
		"nft", "-f", "-")
}

func (e *end) stopDropping() {
	e.t.Helper()
	e.shell("", "nft", "delete", "table", "netdev", "cut")
}

func single(name string, local, peer netip.Addr, localDisc, remoteDisc uint32) bfd.Config {
	return bfd.Config{
		Name: name, Local: local, Peer: peer, Interface: "bfd0", TrackInterface: "bfd0",
		LocalDiscriminator: localDisc, RemoteDiscriminator: remoteDisc, TOSExp: 7,
	}
}

func TestTwoLoopsDetectSilentDropAndRecover(t *testing.T) {
	a, b := newPair(t)
	a.start(single("to-b", addressA, addressB, 11, 22))
	b.start(single("to-a", addressB, addressA, 22, 11))
	a.await(bfd.Up)
	b.await(bfd.Up)
	awaitFast(t, a)

	b.dropSilently()
	cut := b.now()
	down := b.await(bfd.Down)
	if down.Diagnostic != bfd.DiagDetectionTimeExpired {
		t.Errorf("B went Down with %q, want %q", down.Diagnostic, bfd.DiagDetectionTimeExpired)
	}
	t.Logf("detected %v after the cut", down.At-cut)
	if down := a.await(bfd.Down); down.Diagnostic != bfd.DiagNeighborSignaledDown {
		t.Errorf("A went Down with %q, want %q", down.Diagnostic, bfd.DiagNeighborSignaledDown)
	}

	b.stopDropping()
	a.await(bfd.Up)
	b.await(bfd.Up)
	t.Logf("A %+v", a.loop.Status())
}

// awaitFast waits until the Poll Sequence has ended and 10 ms x 3 is in force.
func awaitFast(t *testing.T, e *end) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if s := e.loop.Snapshot()[0]; !s.Polling && s.DetectTime == 30*time.Millisecond {
			return
		}
	}
	t.Fatalf("intervals are not agreed: %+v", e.loop.Snapshot())
}

func TestLinkStates(t *testing.T) {
	a, b := newPair(t)
	a.start(single("to-b", addressA, addressB, 1, 2))
	b.start(single("to-a", addressB, addressA, 2, 1))
	a.await(bfd.Up)
	b.await(bfd.Up)

	a.loop.SetLink("bfd0", 0, false)
	if down := a.await(bfd.Down); down.Diagnostic != bfd.DiagConcatenatedPathDown {
		t.Errorf("diagnostic %q, want %q", down.Diagnostic, bfd.DiagConcatenatedPathDown)
	}
	if s := a.loop.Snapshot()[0]; !s.InterfaceMissing || s.NotUpReason != "interface bfd0 does not exist" {
		t.Errorf("missing %v, reason %q", s.InterfaceMissing, s.NotUpReason)
	}
	b.await(bfd.Down)
	a.tellLink()
	a.await(bfd.Up)
}

func TestCloseIsSeenAtOnceAndIsNotAdminDown(t *testing.T) {
	a, b := newPair(t)
	a.start(single("to-b", addressA, addressB, 1, 2))
	b.start(single("to-a", addressB, addressA, 2, 1))
	b.await(bfd.Up)
	a.await(bfd.Up)
	testnet.Must(t, a.loop.Close())
	if down := b.await(bfd.Down); down.Remote != bfd.Down || down.Diagnostic != bfd.DiagNeighborSignaledDown {
		t.Errorf("peer of a closed loop saw %+v", down)
	}
	if err := a.loop.Close(); !errors.Is(err, bfdloop.ErrClosed) {
		t.Errorf("second Close: %v", err)
	}
	if err := a.loop.Configure(nil); !errors.Is(err, bfdloop.ErrClosed) {
		t.Errorf("Configure after Close: %v", err)
	}
	if s := a.loop.Snapshot(); s != nil {
		t.Errorf("Snapshot after Close: %v", s)
	}
	for range a.loop.Events() { // ends, since it is closed
	}
}

func TestRemovedSessionTellsAdminDown(t *testing.T) {
	a, b := newPair(t)
	a.start(single("to-b", addressA, addressB, 1, 2))
	b.start(single("to-a", addressB, addressA, 2, 1))
	b.await(bfd.Up)
	testnet.Must(t, a.loop.Configure(nil))
	if down := b.await(bfd.Down); down.Remote != bfd.AdminDown {
		t.Errorf("peer of a removed session saw %+v", down)
	}
}

func TestLinkLocalSession(t *testing.T) {
	a, b := newPair(t)
	la, lb := testnet.AwaitLinkLocal(t, a.Node, "bfd0").LinkLocal, testnet.AwaitLinkLocal(t, b.Node, "bfd0").LinkLocal
	a.start(single("to-b", la, lb, 1, 0))
	b.start(single("to-a", netip.Addr{}, la, 2, 0)) // the kernel chooses the source
	a.await(bfd.Up)
	b.await(bfd.Up)
}

func TestMultihop(t *testing.T) {
	a, b := newPair(t)
	ca, cb := single("to-b", addressA, addressB, 1, 2), single("to-a", addressB, addressA, 2, 1)
	ca.Interface, cb.Interface = "", ""
	a.start(ca)
	b.start(cb)
	a.await(bfd.Up)
	b.await(bfd.Up)
}

func TestPortInUse(t *testing.T) {
	a, _ := newPair(t)
	a.start()
	other, err := bfdloop.Start(bfdloop.Options{OnThread: a.Enter})
	testnet.Must(t, err)
	defer other.Close()
	testnet.Must(t, other.Configure([]bfd.Config{single("first", addressA, addressB, 1, 2)}))
	err = a.loop.Configure([]bfd.Config{single("second", addressA, addressB, 3, 4)})
	if !errors.Is(err, unix.EADDRINUSE) {
		t.Fatalf("second loop on the port: %v, want EADDRINUSE", err)
	}
	if s := a.loop.Snapshot(); len(s) != 0 {
		t.Errorf("sessions after a refusal: %v", s)
	}
	testnet.Must(t, other.Configure(nil))
	testnet.Must(t, a.loop.Configure([]bfd.Config{single("second", addressA, addressB, 3, 4)}))
}
