package links_test

import (
	"errors"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"tandem/internal/linux/links"
	"tandem/internal/linux/testnet"
)

// newNamespace makes an empty namespace without DAD, with a handle on it.
func newNamespace(t testing.TB) (*testnet.Node, *links.Handle) {
	t.Helper()
	n := testnet.NewNode(t)
	return n, n.Links
}

func must(t testing.TB, err error) {
	t.Helper()
	testnet.Must(t, err)
}

func TestVethAcrossNamespaces(t *testing.T) {
	nsA, a := newNamespace(t)
	nsB, b := newNamespace(t)
	mac := net.HardwareAddr{2, 0, 0, 0, 0, 7}
	must(t, a.AddVeth(links.VethEnd{Name: "left"}, links.VethEnd{Name: "right", NetNS: nsB.FD(), HardwareAddr: mac}))
	must(t, a.SetUp("left", true))
	nsA.SetAlias(t, "left", "GigabitEthernet0/1/0")
	p := netip.MustParsePrefix("2001:db8::1/64")
	must(t, a.AddAddress("left", p))
	must(t, a.AddAddress("left", p)) // adding it again is no error

	l, err := a.Link("left")
	must(t, err)
	if !l.Exists || !l.AdminUp || l.Up || l.Alias != "GigabitEthernet0/1/0" || !slices.Contains(l.Addresses, p) {
		t.Errorf("left = %+v, want it enabled, without carrier, with alias and address", l)
	}
	must(t, b.SetUp("right", true))
	l, err = a.Link("left")
	must(t, err)
	if !l.Up {
		t.Errorf("left = %+v, want it up once the other end is", l)
	}
	r, err := b.Link("right")
	must(t, err)
	if !slices.Equal(r.HardwareAddr, mac) {
		t.Errorf("right = %+v, want the address %s", r, mac)
	}

	must(t, a.DeleteAddress("left", p))
	must(t, a.Delete("left"))
	if _, err := b.Link("right"); !errors.Is(err, links.ErrNotFound) {
		t.Errorf("Link of the removed end = %v, want ErrNotFound", err)
	}
	if err := a.SetUp("left", true); !errors.Is(err, links.ErrNotFound) {
		t.Errorf("SetUp of a removed interface = %v, want ErrNotFound", err)
	}
}

// TestCounters: both ends of a cable count the neighbour and listener messages that the
// kernel sends by itself.
func TestCounters(t *testing.T) {
	nsB, b := newNamespace(t)
	_, a := newNamespace(t)
	must(t, a.AddVeth(links.VethEnd{Name: "left"}, links.VethEnd{Name: "right", NetNS: nsB.FD()}))
	must(t, b.SetUp("right", true))
	must(t, a.SetUp("left", true))
	for {
		left, err := a.Counters()
		must(t, err)
		right, err := b.Counters()
		must(t, err)
		if l, r := left["left"], right["right"]; l.Out.Packets > 0 && l.Out.Bytes > 0 && r.In.Packets >= l.Out.Packets {
			return
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("nothing is counted: %+v, %+v", left, right)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestBridge(t *testing.T) {
	ns, h := newNamespace(t)
	must(t, h.AddBridge("br", links.BridgeOptions{Snooping: true}))
	must(t, h.AddVeth(links.VethEnd{Name: "p1"}, links.VethEnd{Name: "h1"}))
	must(t, h.AddPort("br", "p1", links.PortOptions{Isolated: true, NoMulticast: true}))

	l, err := h.Link("p1")
	must(t, err)
	br, err := h.Link("br")
	must(t, err)
	if l.Master != br.Index {
		t.Errorf("master = %d, want %d", l.Master, br.Index)
	}
	out := show(t, ns, "ip", "-d", "link", "show", "br")
	for _, want := range []string{"mcast_snooping 1", "stp_state 0"} {
		if !strings.Contains(out, want) {
			t.Errorf("bridge lacks %q:\n%s", want, out)
		}
	}
	out = show(t, ns, "bridge", "-d", "link", "show", "dev", "p1")
	for _, want := range []string{"isolated on", "mcast_flood off"} {
		if !strings.Contains(out, want) {
			t.Errorf("port lacks %q:\n%s", want, out)
		}
	}
}

// show runs a tool of iproute2 in a namespace, so that the check does not depend on the
// code under test.
func show(t *testing.T, ns *testnet.Node, tool string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err != nil {
		t.Skipf("needs iproute2: %v", err)
	}
	var out strings.Builder
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := ns.Run(cmd); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out.String())
	}
	return out.String()
}

// watcher reads a monitor in the background.
type watcher struct {
	t      *testing.T
	events chan links.Link
	ended  chan error
}

func watch(t *testing.T, ns *testnet.Node) (*links.Monitor, *watcher) {
	t.Helper()
	m, err := links.WatchIn(ns.Do)
	must(t, err)
	w := &watcher{t, make(chan links.Link, 100_000), make(chan error, 1)}
	go func() {
		for {
			changed, err := m.Read()
			if err != nil {
				w.ended <- err
				return
			}
			for _, l := range changed {
				w.events <- l
			}
		}
	}()
	t.Cleanup(func() { m.Close() })
	return m, w
}

// until waits for an event that satisfies ok. It fails after five seconds.
func (w *watcher) until(what string, ok func(links.Link) bool) links.Link {
	w.t.Helper()
	timeout := time.After(5 * time.Second)
	for {
		select {
		case l := <-w.events:
			if ok(l) {
				return l
			}
		case <-timeout:
			w.t.Fatalf("no event: %s", what)
		}
	}
}

func TestMonitor(t *testing.T) {
	ns, h := newNamespace(t)
	m, w := watch(t, ns)
	w.until("the first list", func(l links.Link) bool { return l.Name == "lo" && l.Exists })

	named := func(name string, more func(links.Link) bool) func(links.Link) bool {
		return func(l links.Link) bool { return l.Name == name && more(l) }
	}
	up := func(l links.Link) bool { return l.Up }
	lost := func(l links.Link) bool { return !l.Exists }

	must(t, h.AddVeth(links.VethEnd{Name: "a"}, links.VethEnd{Name: "b"}))
	w.until("a created", named("a", func(l links.Link) bool { return l.Exists && !l.Up }))
	must(t, h.SetUp("a", true))
	must(t, h.SetUp("b", true))
	w.until("a up", named("a", up))
	w.until("a has a link-local address", named("a", func(l links.Link) bool { return l.Up && l.LinkLocal.IsValid() }))
	must(t, h.SetUp("b", false))
	w.until("a lost carrier", named("a", func(l links.Link) bool { return l.AdminUp && !l.Up }))
	ns.SetAlias(t, "a", "Gi0/1/0")
	w.until("a has an alias", named("a", func(l links.Link) bool { return l.Alias == "Gi0/1/0" }))

	// An interface that leaves a bridge is not reported as deleted.
	must(t, h.AddBridge("br", links.BridgeOptions{}))
	must(t, h.AddPort("br", "a", links.PortOptions{}))
	w.until("a is a port", named("a", func(l links.Link) bool { return l.Master != 0 }))
	must(t, h.Delete("br"))
	w.until("a is no port", named("a", func(l links.Link) bool { return l.Exists && l.Master == 0 }))

	must(t, h.Delete("a"))
	w.until("a gone", named("a", lost))
	must(t, h.AddVeth(links.VethEnd{Name: "a"}, links.VethEnd{Name: "b"}))
	w.until("a is back", named("a", func(l links.Link) bool { return l.Exists }))

	must(t, m.Close())
	select {
	case err := <-w.ended:
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("Read after Close = %v, want net.ErrClosed", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("Read did not return after Close")
	}
}

func TestMonitorRename(t *testing.T) {
	ns, h := newNamespace(t)
	must(t, h.AddVeth(links.VethEnd{Name: "a"}, links.VethEnd{Name: "b"}))
	_, w := watch(t, ns)
	w.until("the first list", func(l links.Link) bool { return l.Name == "a" })
	show(t, ns, "ip", "link", "set", "dev", "a", "name", "c")
	w.until("old name gone", func(l links.Link) bool { return l.Name == "a" && !l.Exists })
	w.until("new name there", func(l links.Link) bool { return l.Name == "c" && l.Exists })
}

// TestMonitorOverrun makes more changes than the buffer holds while nobody reads.
// Afterwards the monitor must report the present state.
func TestMonitorOverrun(t *testing.T) {
	ns, h := newNamespace(t)
	must(t, h.AddVeth(links.VethEnd{Name: "a"}, links.VethEnd{Name: "b"}))
	must(t, h.AddVeth(links.VethEnd{Name: "doomed"}, links.VethEnd{Name: "d"}))
	m, err := links.WatchIn(ns.Do)
	must(t, err)
	defer m.Close()
	_, err = m.Read()
	must(t, err)

	for range 1500 {
		must(t, h.SetUp("a", true))
		must(t, h.SetUp("a", false))
	}
	must(t, h.Delete("doomed"))
	ns.SetAlias(t, "a", "last word")

	var a links.Link
	gone := false
	for !gone || a.Alias != "last word" {
		changed, err := m.Read()
		must(t, err)
		for _, l := range changed {
			gone = gone || l.Name == "doomed" && !l.Exists
			if l.Name == "a" {
				a = l
			}
		}
	}
	if m.Resyncs() == 0 {
		t.Error("the buffer did not overrun; the test proves nothing")
	}
	if a.AdminUp {
		t.Error("a is shown enabled, its last change disabled it")
	}
}

func TestUserNamespace(t *testing.T) { testnet.InUserNamespace(t) }
