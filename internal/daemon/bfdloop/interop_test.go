package bfdloop_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"tandem/internal/bfd"
	"tandem/internal/daemon/bfdloop"
	"tandem/internal/linux/testnet"
)

// implementation is another BFD on device B of a match, with one single-hop and one multihop
// session. If a method fails, the test fails.
type implementation interface {
	start()
	// stop ends the process by a signal and waits until it is gone.
	stop(syscall.Signal)
	// retime changes the intervals of its sessions while they run.
	retime(time.Duration)
	// admin shuts its sessions down, or starts them again.
	admin(down bool)
	// show returns the state of a session in the other implementation.
	show(peer netip.Addr) (view, error)
	// tellsAdminDown reports whether admin sends AdminDown to the peer. Otherwise the peer
	// notices only by its detection time.
	tellsAdminDown() bool
}

// view is a session as the other implementation displays it.
type view struct {
	Up     bool
	Detect time.Duration // its detection time
}

// match is one of our loops against another implementation.
type match struct {
	t        *testing.T
	name     string
	interval time.Duration
	a        *end
	b        *end
	sessions []bfd.Config // in the order of hops
	other    implementation
	helpers  uint64 // number of helpers before killHelper

	mu     sync.Mutex
	events []bfdloop.Event
	mark   int // index of the first event of the current case
}

// Addresses of the multihop session; those of newPair are for the single-hop session.
var (
	addressFarA = netip.MustParseAddr("2001:db8:bfd::fa")
	addressFarB = netip.MustParseAddr("2001:db8:bfd::fb")
)

var hops = []string{"single hop", "multihop"}

func newMatch(t *testing.T, name string, interval time.Duration, make func(*match) implementation) *match {
	t.Helper()
	m := &match{t: t, name: fmt.Sprintf("%s %v", name, interval), interval: interval}
	m.a, m.b = newPair(t, bfdloop.SelfHelper())
	for e, address := range map[*end]netip.Addr{m.a: addressFarA, m.b: addressFarB} {
		testnet.Must(t, e.Links.AddAddress("bfd0", netip.PrefixFrom(address, 64)))
		testnet.Must(t, e.Do(func() error { // so that the addresses stay when the link is cut
			return os.WriteFile("/proc/sys/net/ipv6/conf/bfd0/keep_addr_on_down", []byte("1"), 0)
		}))
	}
	near, far := single(hops[0], addressA, addressB, 7, 0), single(hops[1], addressFarA, addressFarB, 8, 0)
	far.Interface = ""
	m.sessions = []bfd.Config{near, far}
	m.setIntervals(interval)
	m.other = make(m)
	return m
}

// setIntervals changes the configuration that configure applies next.
func (m *match) setIntervals(d time.Duration) {
	for i := range m.sessions {
		m.sessions[i].MinTx, m.sessions[i].MinRx = d, d
	}
}

func (m *match) shutdown(down bool) {
	for i := range m.sessions {
		m.sessions[i].Shutdown = down
	}
	m.configure()
}

func (m *match) configure() {
	m.t.Helper()
	testnet.Must(m.t, m.a.loop.Configure(m.sessions))
}

// launch starts our side and records its events.
func (m *match) launch() {
	m.t.Helper()
	m.a.start(m.sessions...)
	go func(events <-chan bfdloop.Event) {
		for e := range events {
			m.mu.Lock()
			m.events = append(m.events, e)
			m.mu.Unlock()
		}
	}(m.a.loop.Events())
}

func (m *match) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mark = len(m.events)
}

// lost reports whether a session was lost since forget, and for which reasons. If reasons are
// given, only those count.
func (m *match) lost(session string, why ...bfd.Diagnostic) (found bool, reasons []bfd.Diagnostic) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.events[m.mark:] {
		if e.Session == session && (e.State == bfd.Down || e.State == bfd.AdminDown) {
			reasons = append(reasons, e.Diagnostic)
			found = found || len(why) == 0 || slices.Contains(why, e.Diagnostic)
		}
	}
	return found, reasons
}

// until waits for a condition. If it does not hold in time, the error says why.
func (m *match) until(holds func() error) error {
	var err error
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if err = holds(); err == nil || errors.Is(err, errDisturbed) {
			return err
		}
	}
	return fmt.Errorf("%w\nours: %+v\n%+v", err, m.a.loop.Snapshot(), m.a.loop.Status())
}

// errDisturbed means that a session was lost before the case could take it down. This happens
// on a busy machine, when the other implementation or the kernel does not get enough CPU. The
// case is then tried again.
var errDisturbed = errors.New("lost before its time")

// agreed waits until both sides are Up with the expected detection times.
func (m *match) agreed(ours, theirs time.Duration) error {
	return m.until(func() error {
		states := m.a.loop.Snapshot()
		if len(states) != len(hops) {
			return fmt.Errorf("%d sessions", len(states))
		}
		for _, s := range states {
			if s.State != bfd.Up || s.Polling || s.DetectTime != ours {
				return fmt.Errorf("our %s session is %v, detection %v, polling %v", s.Name, s.State, s.DetectTime, s.Polling)
			}
			v, err := m.other.show(s.Local)
			if err != nil || !v.Up || v.Detect != theirs {
				return fmt.Errorf("their %s session is %+v: %v; detection is to be %v", s.Name, v, err, theirs)
			}
		}
		return nil
	})
}

func (m *match) up() error { return m.agreed(multiplier*m.interval, multiplier*m.interval) }

// bothDown waits until neither side is Up, ours for the given reason.
func (m *match) bothDown(why bfd.Diagnostic) error {
	if err := m.oursDown(why); err != nil {
		return err
	}
	return m.theirsDown()
}

// oursDown waits until our side has lost the session, if reasons are given for one of them.
func (m *match) oursDown(why ...bfd.Diagnostic) error {
	for _, s := range m.sessions {
		if err := m.until(func() error {
			switch found, reasons := m.lost(s.Name, why...); {
			case found:
				return nil
			case len(reasons) > 0:
				return fmt.Errorf("our %s session: %w, for %v and not for %v", s.Name, errDisturbed, reasons, why)
			}
			if i := slices.IndexFunc(m.a.loop.Snapshot(), func(st bfd.SessionState) bool {
				return st.Name == s.Name && st.State == bfd.Down && st.Since > time.Second
			}); i >= 0 {
				return fmt.Errorf("our %s session: %w", s.Name, errDisturbed)
			}
			return fmt.Errorf("our %s session is not lost", s.Name)
		}); err != nil {
			return err
		}
	}
	return nil
}

func (m *match) theirsDown() error {
	for _, s := range m.sessions {
		if err := m.until(func() error {
			if v, err := m.other.show(s.Local); err != nil || v.Up {
				return fmt.Errorf("their %s session is up: %v", s.Name, err)
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// smooth changes intervals and changes them back. No session may be lost.
func (m *match) smooth(change func(time.Duration)) error {
	for _, interval := range []time.Duration{2 * m.interval, m.interval} {
		change(interval)
		if err := m.agreed(multiplier*interval, multiplier*interval); err != nil {
			return err
		}
	}
	for _, s := range m.sessions {
		if found, reasons := m.lost(s.Name); found {
			return fmt.Errorf("the %s session: %w, for %v", s.Name, errDisturbed, reasons)
		}
	}
	return nil
}

// multiplier is both sides'.
const multiplier = 3

// interopCases run one after the other on sessions that are Up, and leave them Up.
var interopCases = []struct {
	name string
	act  func(*match)
	// check verifies the result; undo restores the state before.
	check func(*match) error
	undo  func(*match)
}{
	{"silent drop",
		func(m *match) { m.a.dropSilently() },
		func(m *match) error { return m.bothDown(bfd.DiagDetectionTimeExpired) },
		func(m *match) { m.a.stopDropping() }},
	{"silent drop there",
		func(m *match) { m.b.dropSilently() },
		func(m *match) error { return m.bothDown(bfd.DiagNeighborSignaledDown) },
		func(m *match) { m.b.stopDropping() }},
	{"cut",
		func(m *match) {
			testnet.Must(m.t, m.b.Links.SetUp("bfd0", false))
			m.tellLink(false)
		},
		func(m *match) error { return m.bothDown(bfd.DiagConcatenatedPathDown) },
		func(m *match) {
			testnet.Must(m.t, m.b.Links.SetUp("bfd0", true))
			m.tellLink(true)
		}},
	{"shut down here",
		func(m *match) { m.shutdown(true) },
		func(m *match) error { return m.bothDown(bfd.DiagAdministrativelyDown) },
		func(m *match) { m.shutdown(false) }},
	{"shut down there",
		func(m *match) { m.other.admin(true) },
		func(m *match) error {
			if m.other.tellsAdminDown() {
				return m.bothDown(bfd.DiagNeighborSignaledDown)
			}
			return m.bothDown(bfd.DiagDetectionTimeExpired)
		},
		func(m *match) { m.other.admin(false) }},
	{"restart here",
		func(m *match) { testnet.Must(m.t, m.a.loop.Close()) },
		(*match).theirsDown,
		(*match).launch},
	{"crash here",
		(*match).killHelper,
		(*match).helperMissed,
		func(*match) {}},
	{"restart there",
		func(m *match) { m.other.stop(syscall.SIGTERM) },
		func(m *match) error { return m.oursDown() },
		func(m *match) { m.other.start() }},
	{"crash there",
		func(m *match) { m.other.stop(syscall.SIGKILL) },
		func(m *match) error { return m.oursDown(bfd.DiagDetectionTimeExpired) },
		func(m *match) { m.other.start() }},
	{"intervals changed here",
		func(*match) {},
		func(m *match) error {
			return m.smooth(func(interval time.Duration) {
				m.setIntervals(interval)
				m.configure()
			})
		},
		func(*match) {}},
	{"intervals changed there",
		func(*match) {},
		func(m *match) error { return m.smooth(m.other.retime) },
		func(*match) {}},
}

func (m *match) killHelper() {
	m.t.Helper()
	before := m.a.loop.Status()
	m.helpers = before.HelperStarts
	testnet.Must(m.t, syscall.Kill(before.HelperPID, syscall.SIGKILL))
}

// helperMissed waits until the sessions of a killed helper are reported as Down. A session that
// was already down is not reported.
func (m *match) helperMissed() error {
	return m.until(func() error {
		again := m.a.loop.Status().HelperStarts > m.helpers
		for _, s := range m.sessions {
			found, reasons := m.lost(s.Name, bfd.DiagForwardingPlaneReset)
			switch {
			case !found && again:
				return fmt.Errorf("our %s session: %w, for %v", s.Name, errDisturbed, reasons)
			case !found:
				return fmt.Errorf("our %s session is not lost", s.Name)
			}
		}
		return nil
	})
}

func (m *match) tellLink(up bool) {
	m.t.Helper()
	l, err := m.a.Links.Link("bfd0")
	testnet.Must(m.t, err)
	m.a.loop.SetLink("bfd0", l.Index, up)
}

// TestInterop runs every case against every installed implementation, at three speeds, over one
// hop and with the parameters of several hops. The matches run at the same time, so the test
// takes no longer than the slowest match.
func TestInterop(t *testing.T) {
	var matches []*match
	for _, interval := range []time.Duration{10 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond} {
		for _, o := range []struct {
			name string
			make func(*match) implementation
			need []string
		}{
			{"FRR", newBFDD, []string{bfddPath, "vtysh"}},
			{"BIRD", newBIRD, []string{"bird", "birdc"}},
		} {
			if tool := missing(o.need); tool != "" {
				t.Run(o.name, func(t *testing.T) { t.Skipf("needs %s", tool) })
				continue
			}
			matches = append(matches, newMatch(t, o.name, interval, o.make))
		}
	}
	for _, m := range matches {
		m.other.start()
		m.launch()
	}
	all := func(t *testing.T, f func(*match)) {
		for _, m := range matches {
			m.t = t
			f(m)
		}
	}
	// each fails the test on an error of any match, and reports whether no match was disturbed.
	each := func(t *testing.T, f func(*match) error) (undisturbed bool) {
		undisturbed = true
		all(t, func(m *match) {
			switch err := f(m); {
			case errors.Is(err, errDisturbed):
				undisturbed = false
				t.Logf("%s: %v", m.name, err)
			case err != nil:
				t.Fatalf("%s: %v", m.name, err)
			}
		})
		return undisturbed
	}
	if !t.Run("up", func(t *testing.T) { each(t, (*match).up) }) {
		return
	}
	for _, c := range interopCases {
		ok := t.Run(c.name, func(t *testing.T) {
			for range interopTries {
				all(t, (*match).forget)
				all(t, c.act)
				undisturbed := each(t, c.check)
				all(t, c.undo)
				each(t, (*match).up)
				if undisturbed {
					return
				}
			}
			t.Errorf("not once undisturbed in %d tries", interopTries)
		})
		if !ok {
			return // the next case needs the state that this one leaves
		}
	}
}

// interopTries is how often a case is run until no match is disturbed.
const interopTries = 4

// missing returns the first tool that is not installed.
func missing(tools []string) string {
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			return tool
		}
	}
	return ""
}

// prompt is a command prefix that gives the other implementations a high priority. The
// test checks their behaviour, not how a busy machine schedules them.
var prompt = sync.OnceValue(func() []string {
	if exec.Command("chrt", "-f", "30", "true").Run() == nil {
		return []string{"chrt", "-f", "30"}
	}
	return nil
})

// rival is the process of another implementation.
type rival struct {
	*match
	dir string
	cmd *exec.Cmd
}

func newRival(m *match) rival {
	m.t.Helper()
	// Not t.TempDir: the user as which the process runs may not enter its parent.
	dir, err := os.MkdirTemp("", "bfd")
	testnet.Must(m.t, err)
	m.t.Cleanup(func() { os.RemoveAll(dir) })
	testnet.Must(m.t, os.Chmod(dir, 0o755))
	return rival{match: m, dir: dir}
}

func (r *rival) run(argv ...string) {
	r.t.Helper()
	argv = append(slices.Clone(prompt()), argv...)
	r.cmd = exec.Command(argv[0], argv[1:]...)
	testnet.Must(r.t, r.b.Node.Start(r.cmd))
	cmd := r.cmd
	r.b.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

func (r *rival) stop(s syscall.Signal) {
	r.t.Helper()
	testnet.Must(r.t, r.cmd.Process.Signal(s))
	_ = r.cmd.Wait()
}

// output runs a client of the process.
func (r *rival) output(argv ...string) (string, error) {
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%v: %w: %s", argv, err, out)
	}
	return string(out), err
}

func (r *rival) write(name, text string) {
	r.t.Helper()
	testnet.Must(r.t, os.WriteFile(r.dir+"/"+name, []byte(text), 0o644))
}
