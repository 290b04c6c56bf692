package peers

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"tandem/internal/instant"
	"tandem/internal/linux/links"
	"tandem/internal/linux/packet"
	"tandem/internal/linux/testnet"
	"tandem/internal/mld"
)

// patience is how long a test waits for an event that must come.
const patience = 15 * time.Second

// lan is a bridge that floods, with a router and hosts on it.
type lan struct {
	bridge, router *testnet.Node
	hosts          []*testnet.Node
	port           links.Link // the router's interface
}

// newLAN builds a LAN whose hosts speak a version of MLD.
func newLAN(t *testing.T, version string, hosts int, opt links.BridgeOptions) *lan {
	t.Helper()
	n := &lan{bridge: testnet.NewNode(t), router: testnet.NewNode(t)}
	testnet.Must(t, n.bridge.Links.AddBridge("br0", opt))
	testnet.Must(t, n.bridge.Links.SetUp("br0", true))
	n.plug(t, n.router, "d0", 0)
	for i := range hosts {
		h := testnet.NewNode(t)
		n.hosts = append(n.hosts, h)
		n.plug(t, h, "h0", i+1)
		testnet.Must(t, h.SetSysctl("ipv6/conf/h0/force_mld_version", version))
		testnet.AwaitLinkLocal(t, h, "h0")
	}
	n.port = testnet.AwaitLinkLocal(t, n.router, "d0")
	return n
}

func (n *lan) plug(t *testing.T, node *testnet.Node, name string, port int) {
	t.Helper()
	p := fmt.Sprintf("p%d", port)
	testnet.Cable(t, n.bridge, p, node, name)
	testnet.Must(t, n.bridge.Links.AddPort("br0", p, links.PortOptions{}))
}

// harmless are drops that are normal on such a LAN: the kernel of the router reports its
// own groups, nodes without an address send from ::, and hosts send version 2 until they
// have heard a query of version 1.
var harmless = []mld.DropCause{mld.DropOwn, mld.DropSource, mld.DropVersion}

// served is a Router on a real socket.
type served struct {
	t    *testing.T
	conn *packet.Conn
	port links.Link

	mu      sync.Mutex
	start   time.Time
	router  *mld.Router
	clock   uint64
	fx      mld.Effects
	queries []mld.Query
	changed *sync.Cond
}

// serve runs a router on the LAN's router port.
func (n *lan) serve(t *testing.T, cfg mld.Config) *served {
	t.Helper()
	s := &served{t: t, port: n.port, start: time.Now(), router: mld.NewRouter(cfg, 1, instant.FromOrigin(0))}
	s.changed = sync.NewCond(&s.mu)
	n.router.In(t, func() (err error) {
		s.conn, err = packet.Open()
		return err
	})
	testnet.Must(t, s.conn.Join(n.port.Index))
	var done sync.WaitGroup
	done.Go(s.read)
	stop := make(chan struct{})
	done.Go(func() { s.tick(stop) })
	t.Cleanup(func() {
		close(stop)
		s.conn.Close()
		done.Wait()
	})
	s.do(func(now instant.Time, _ mld.Version, fx *mld.Effects) {
		s.router.SetQuerierDuty(now, true, fx)
		s.router.SetLink(now, n.port.LinkLocal, true, fx)
	})
	return s
}

// now reads the clock of the router.
func (s *served) now() instant.Time { return instant.FromOrigin(time.Since(s.start)) }

// do calls the router and carries out the effects.
func (s *served) do(f func(now instant.Time, v mld.Version, fx *mld.Effects)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock++
	f(s.now(), mld.Version{Clock: s.clock, Device: 1}, &s.fx)
	for _, q := range s.fx.Queries {
		q.Sources = slices.Clone(q.Sources)
		s.queries = append(s.queries, q)
		if err := s.conn.Send(s.port.Index, s.port.LinkLocal, q.Destination(), mld.AppendQuery(nil, q), true); err != nil && !errors.Is(err, net.ErrClosed) {
			s.t.Errorf("send: %v", err)
		}
	}
	s.fx.Reset()
	s.changed.Broadcast()
}

func (s *served) read() {
	batch := make([]packet.Message, packet.BatchSize)
	var p mld.Packet
	for {
		n, err := s.conn.Read(batch)
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				s.t.Errorf("read: %v", err)
			}
			return
		}
		for _, m := range batch[:n] {
			if err := p.Parse(m.Payload); err != nil {
				s.t.Errorf("%x: %v", m.Payload, err)
				continue
			}
			s.do(func(now instant.Time, v mld.Version, fx *mld.Effects) {
				meta := mld.Meta{Src: m.Src, Dst: m.Dst, HopLimit: m.HopLimit, RouterAlert: m.RouterAlert}
				err := s.router.Receive(now, v, meta, &p, fx)
				var drop *mld.DropError
				if err != nil && (!errors.As(err, &drop) || !slices.Contains(harmless, drop.Cause)) {
					s.t.Errorf("receive: %v", err)
				}
			})
		}
	}
}

// tick does what is due. An interval of 5 ms is enough for a test.
func (s *served) tick(stop <-chan struct{}) {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			s.do(func(now instant.Time, v mld.Version, fx *mld.Effects) {
				s.router.Advance(now, v, fx)
			})
		}
	}
}

// await waits until ok returns true for the router.
func (s *served) await(what string, ok func() bool) {
	s.t.Helper()
	expired := false
	timer := time.AfterFunc(patience, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		expired = true
		s.changed.Broadcast()
	})
	defer timer.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for !ok() {
		if expired {
			s.t.Fatalf("not within %v: %s", patience, what)
		}
		s.changed.Wait()
	}
}

// filter waits until the router has this filter for a group.
func (s *served) filter(group netip.Addr, mode mld.FilterMode, sources ...netip.Addr) {
	s.t.Helper()
	want := mld.Filter{Mode: mode, Sources: sources}
	s.await(fmt.Sprintf("filter %v of %v", want, group), func() bool { return s.router.Filter(group).Equal(want) })
}

// asked waits until the router has sent a query that satisfies like.
func (s *served) asked(what string, like func(mld.Query) bool) {
	s.t.Helper()
	s.await(what, func() bool { return slices.ContainsFunc(s.queries, like) })
}

// forgetQueries clears the record of sent queries.
func (s *served) forgetQueries() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queries = nil
}
