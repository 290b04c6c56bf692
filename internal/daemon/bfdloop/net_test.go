package bfdloop_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/bfd"
	"tandem/internal/daemon/bfdloop"
	"tandem/internal/instant"
	"tandem/internal/linux/testnet"
)

// TestMain lets the test's own file be the helper.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == bfdloop.HelperArg {
		os.Exit(bfdloop.HelperMain())
	}
	if len(os.Args) == 5 && os.Args[1] == deviceArg {
		if err := deviceMain(os.Args[2], os.Args[3], os.Args[4]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// bothWays runs a test with the loops as threads and as helpers.
func bothWays(t *testing.T, f func(t *testing.T, helper []string)) {
	t.Run("thread", func(t *testing.T) { f(t, nil) })
	t.Run("helper", func(t *testing.T) { f(t, bfdloop.SelfHelper()) })
}

// end is one device: a namespace with the interface "bfd0" and a loop in it.
type end struct {
	*testnet.Node
	t       testing.TB
	helper  []string
	address netip.Addr
	origin  time.Time
	// stallLimit is for the loop that is started next.
	stallLimit time.Duration
	loop       *bfdloop.Loop
}

var (
	addressA = netip.MustParseAddr("2001:db8:bfd::a")
	addressB = netip.MustParseAddr("2001:db8:bfd::b")
)

// newPair connects two devices by a cable. It skips the test if the user is not root.
func newPair(t testing.TB, helper []string) (a, b *end) {
	t.Helper()
	a = &end{Node: testnet.NewNode(t), t: t, helper: helper, address: addressA}
	b = &end{Node: testnet.NewNode(t), t: t, helper: helper, address: addressB}
	testnet.Cable(t, a.Node, "bfd0", b.Node, "bfd0")
	for _, e := range []*end{a, b} {
		testnet.Must(t, e.Links.AddAddress("bfd0", netip.PrefixFrom(e.address, 64)))
		testnet.AwaitLinkLocal(t, e.Node, "bfd0")
	}
	return a, b
}

// start runs a loop on the device and reports the interface to it.
func (e *end) start(cfgs ...bfd.Config) {
	e.t.Helper()
	e.origin = time.Now()
	loop, err := bfdloop.Start(bfdloop.Options{Origin: e.origin, OnThread: e.Enter, Helper: e.helper,
		StallLimit: e.stallLimit})
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

func (e *end) now() instant.Time { return instant.FromOrigin(time.Since(e.origin)) }

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

// dropSilently makes the device drop everything that arrives, like a dead router.
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
		// MinTx is not the default of 10 ms, because the tests share the machine with
		// other programs.
		MinTx: 100 * time.Millisecond, MinRx: 100 * time.Millisecond,
	}
}

// fast is 10 ms x 3.
func fast(c bfd.Config) bfd.Config {
	c.MinTx, c.MinRx = bfd.DefaultInterval, bfd.DefaultInterval
	return c
}

// slow makes the detection time so long that a test on a busy machine cannot meet it.
func slow(c bfd.Config) bfd.Config {
	c.MinTx, c.MinRx = 5*time.Second, 5*time.Second
	return c
}

func TestTwoLoopsDetectSilentDropAndRecover(t *testing.T) {
	bothWays(t, twoLoopsDetectSilentDropAndRecover)
}

func twoLoopsDetectSilentDropAndRecover(t *testing.T, helper []string) {
	a, b := newPair(t, helper)
	a.start(single("to-b", addressA, addressB, 11, 22))
	b.start(single("to-a", addressB, addressA, 22, 11))
	a.await(bfd.Up)
	b.await(bfd.Up)
	awaitAgreed(t, a, 300*time.Millisecond)
	awaitAgreed(t, b, 300*time.Millisecond)

	b.dropSilently()
	cut := b.now()
	down := b.await(bfd.Down)
	if down.Diagnostic != bfd.DiagDetectionTimeExpired {
		t.Errorf("B went Down with %q, want %q", down.Diagnostic, bfd.DiagDetectionTimeExpired)
	}
	t.Logf("detected %v after the cut", down.At.Sub(cut))
	if down := a.await(bfd.Down); down.Diagnostic != bfd.DiagNeighborSignaledDown {
		t.Errorf("A went Down with %q, want %q", down.Diagnostic, bfd.DiagNeighborSignaledDown)
	}

	b.stopDropping()
	a.await(bfd.Up)
	b.await(bfd.Up)
}

// awaitAgreed waits until the Poll Sequence has ended and the wanted detection time is
// in force.
func awaitAgreed(t testing.TB, e *end, detect time.Duration) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if s := e.loop.Snapshot()[0]; !s.Polling && s.DetectTime == detect {
			return
		}
	}
	t.Fatalf("intervals are not agreed: %+v", e.loop.Snapshot())
}

func TestLinkStates(t *testing.T) { bothWays(t, linkStates) }

func linkStates(t *testing.T, helper []string) {
	a, b := newPair(t, helper)
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
	bothWays(t, closeIsSeenAtOnceAndIsNotAdminDown)
}

func closeIsSeenAtOnceAndIsNotAdminDown(t *testing.T, helper []string) {
	a, b := newPair(t, helper)
	a.start(slow(single("to-b", addressA, addressB, 1, 2)))
	b.start(slow(single("to-a", addressB, addressA, 2, 1)))
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
	for range a.loop.Events() { // Events is closed, so this ends
	}
}

func TestRemovedSessionTellsAdminDown(t *testing.T) { bothWays(t, removedSessionTellsAdminDown) }

func removedSessionTellsAdminDown(t *testing.T, helper []string) {
	a, b := newPair(t, helper)
	a.start(slow(single("to-b", addressA, addressB, 1, 2)))
	b.start(slow(single("to-a", addressB, addressA, 2, 1)))
	b.await(bfd.Up)
	testnet.Must(t, a.loop.Configure(nil))
	if down := b.await(bfd.Down); down.Remote != bfd.AdminDown {
		t.Errorf("peer of a removed session saw %+v", down)
	}
}

func TestLinkLocalSession(t *testing.T) { bothWays(t, linkLocalSession) }

func linkLocalSession(t *testing.T, helper []string) {
	a, b := newPair(t, helper)
	la, lb := testnet.AwaitLinkLocal(t, a.Node, "bfd0").LinkLocal, testnet.AwaitLinkLocal(t, b.Node, "bfd0").LinkLocal
	a.start(single("to-b", la, lb, 1, 0))
	b.start(single("to-a", netip.Addr{}, la, 2, 0)) // the kernel chooses the source address
	a.await(bfd.Up)
	b.await(bfd.Up)
}

func TestMultihop(t *testing.T) { bothWays(t, multihop) }

func multihop(t *testing.T, helper []string) {
	a, b := newPair(t, helper)
	ca, cb := single("to-b", addressA, addressB, 1, 2), single("to-a", addressB, addressA, 2, 1)
	ca.Interface, cb.Interface = "", ""
	a.start(ca)
	b.start(cb)
	a.await(bfd.Up)
	b.await(bfd.Up)
}

func TestPortInUse(t *testing.T) { bothWays(t, portInUse) }

func portInUse(t *testing.T, helper []string) {
	a, _ := newPair(t, helper)
	a.start()
	other, err := bfdloop.Start(bfdloop.Options{OnThread: a.Enter, Helper: helper})
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

func TestHelperIsReplacedWhenItDies(t *testing.T) {
	a, b := newPair(t, bfdloop.SelfHelper())
	a.start(single("to-b", addressA, addressB, 1, 2))
	b.start(single("to-a", addressB, addressA, 2, 1))
	a.await(bfd.Up)
	b.await(bfd.Up)
	first := a.loop.Status().HelperPID
	testnet.Must(t, unix.Kill(first, unix.SIGKILL))
	if down := a.await(bfd.Down); down.Diagnostic != bfd.DiagForwardingPlaneReset {
		t.Errorf("diagnostic %q, want %q", down.Diagnostic, bfd.DiagForwardingPlaneReset)
	}
	b.await(bfd.Down)
	a.await(bfd.Up)
	if s := a.loop.Status(); s.HelperStarts != 2 || s.HelperPID == first {
		t.Errorf("after its death: %+v", s)
	}
}

func TestHelperThatCannotRun(t *testing.T) {
	for _, helper := range [][]string{{"/no/such/program"}, {"/bin/false"}} {
		if l, err := bfdloop.Start(bfdloop.Options{Helper: helper}); err == nil {
			l.Close()
			t.Errorf("%v: started", helper)
		}
	}
}

func TestSlowReaderLearnsTheLastState(t *testing.T) { bothWays(t, slowReaderLearnsTheLastState) }

func slowReaderLearnsTheLastState(t *testing.T, helper []string) {
	a, _ := newPair(t, helper)
	up, shut := single("s", addressA, addressB, 1, 2), single("s", addressA, addressB, 1, 2)
	shut.Shutdown = true
	a.start(up)
	// No reader: more changes than the channel has room for.
	for range 300 {
		testnet.Must(t, a.loop.Configure([]bfd.Config{shut}))
		testnet.Must(t, a.loop.Configure([]bfd.Config{up}))
	}
	testnet.Must(t, a.loop.Configure([]bfd.Config{shut}))
	var last bfdloop.Event
	for timeout := time.After(5 * time.Second); ; {
		select {
		case last = <-a.loop.Events():
			continue
		case <-time.After(200 * time.Millisecond):
		case <-timeout:
			t.Fatal("events do not end")
		}
		break
	}
	if last.State != bfd.AdminDown {
		t.Errorf("last event %+v, want AdminDown", last)
	}
}

func TestDeathOfTheParentIsToldAtOnce(t *testing.T) {
	a, b := newPair(t, bfdloop.SelfHelper())
	a.start(slow(single("to-b", addressA, addressB, 1, 2)))
	b.start(slow(single("to-a", addressB, addressA, 2, 1)))
	a.await(bfd.Up)
	b.await(bfd.Up)
	a.loop.Abandon()
	if down := b.await(bfd.Down); down.Diagnostic != bfd.DiagNeighborSignaledDown || down.Remote != bfd.Down {
		t.Errorf("peer of a dead process saw %+v", down)
	}
}

// BenchmarkLateness measures how late the loop is at worst while two goroutines on each
// processor compute and allocate. Each iteration is a second.
func BenchmarkLateness(b *testing.B) {
	for name, helper := range map[string][]string{"thread": nil, "helper": bfdloop.SelfHelper()} {
		b.Run(name, func(b *testing.B) {
			x, y := newPair(b, helper)
			x.start(fast(single("to-y", addressA, addressB, 1, 2)))
			y.start(fast(single("to-x", addressB, addressA, 2, 1)))
			x.await(bfd.Up)
			awaitAgreed(b, x, 30*time.Millisecond)
			defer busy(2 * runtime.NumCPU())()
			for range b.N {
				time.Sleep(time.Second)
			}
			b.ReportMetric(float64(x.loop.Status().MaxLate)/float64(time.Millisecond), "max-late-ms")
			b.ReportMetric(float64(x.loop.Snapshot()[0].Flaps)/float64(b.N), "flaps/s")
		})
	}
}

// busy starts goroutines that load processors and garbage collector until stop.
func busy(n int) (stop func()) {
	var done atomic.Bool
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			kept := make(map[int][]byte)
			for i := 0; !done.Load(); i++ {
				kept[i%50_000] = make([]byte, 64+i%1024)
			}
		})
	}
	return func() { done.Store(true); all.Wait() }
}
