package peers

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"tandem/internal/instant"
	"tandem/internal/linux/links"
	"tandem/internal/linux/pimio"
	"tandem/internal/linux/testnet"
	"tandem/internal/pim"
)

// speaker runs the core of PIM with a real socket. The test gives it the routes.
type speaker struct {
	t     testing.TB
	conn  *pimio.Conn
	start time.Time
	ports map[int]links.Link // by interface index
	wake  chan struct{}

	mu     sync.Mutex // guards the fields below
	router *pim.Router
	routes map[netip.Addr][]pim.NextHop
	fx     pim.Effects
	drops  []error
}

// speak begins PIM on some interfaces of a node.
func speak(t testing.TB, n *testnet.Node, cfg pim.Config, on ...string) *speaker {
	t.Helper()
	s := &speaker{t: t, start: time.Now(), ports: map[int]links.Link{}, wake: make(chan struct{}, 1), routes: map[netip.Addr][]pim.NextHop{}}
	s.router = pim.NewRouter(cfg, rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1)), s.now())
	n.In(t, func() (err error) {
		s.conn, err = pimio.Open()
		return err
	})
	for _, name := range on {
		l := testnet.AwaitLinkLocal(t, n, name)
		testnet.Must(t, s.conn.Join(l.Index))
		s.ports[l.Index] = l
		port := pim.DefaultInterfaceConfig()
		port.TriggeredHello = 100 * time.Millisecond
		// A pim6d that starts can miss the hello with which this router answers its first one.
		// The next hello must come while the test waits.
		port.HelloInterval = 3 * time.Second
		s.do(func(now instant.Time, r *pim.Router, fx *pim.Effects) {
			r.SetInterface(now, name, port, pim.Link{LinkLocal: l.LinkLocal, Up: true, MTU: 1500}, fx)
		})
	}
	var running sync.WaitGroup
	stop := make(chan struct{})
	running.Go(s.read)
	running.Go(func() { s.tick(stop) })
	t.Cleanup(func() {
		s.conn.Close()
		close(stop)
		running.Wait()
		for _, err := range s.drops {
			if t.Failed() {
				t.Logf("dropped: %v", err)
			}
		}
	})
	return s
}

func (s *speaker) now() instant.Time { return instant.FromOrigin(time.Since(s.start)) }

// do calls the router and carries out the effects.
func (s *speaker) do(f func(now instant.Time, r *pim.Router, fx *pim.Effects)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	f(now, s.router, &s.fx)
	for _, root := range s.fx.Lookups {
		s.router.SetRPF(now, root, s.routes[root], &s.fx)
	}
	s.router.Advance(now, &s.fx)
	for _, p := range s.fx.Packets {
		for index, l := range s.ports {
			if l.Name == p.Interface {
				if err := s.conn.Send(index, p.Src, p.Dst, p.Payload); err != nil && !errors.Is(err, os.ErrClosed) {
					s.t.Error(err)
				}
			}
		}
	}
	s.fx.Reset()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *speaker) read() {
	batch := make([]pimio.Message, pimio.BatchSize)
	for {
		n, err := s.conn.Read(batch)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			s.t.Error(err)
			return
		}
		for _, m := range batch[:n] {
			s.do(func(now instant.Time, r *pim.Router, fx *pim.Effects) {
				if err := r.Receive(now, s.ports[m.Ifindex].Name, m.Src, m.Dst, m.Payload, fx); err != nil {
					s.drops = append(s.drops, err)
				}
			})
		}
	}
}

// tick advances the router when something is due.
func (s *speaker) tick(stop chan struct{}) {
	for {
		s.mu.Lock()
		wait := time.Hour
		if at := s.router.Deadline(); at.IsSet() {
			wait = at.Left(s.now())
		}
		s.mu.Unlock()
		select {
		case <-stop:
			return
		case <-s.wake:
		case <-time.After(wait):
			s.do(func(instant.Time, *pim.Router, *pim.Effects) {})
		}
	}
}

// want sets what is wanted of a group.
func (s *speaker) want(group netip.Addr, w pim.Wants) {
	s.do(func(now instant.Time, r *pim.Router, fx *pim.Effects) { r.Want(now, group, w, fx) })
}

// route sets the next hops to a source or an RP.
func (s *speaker) route(root netip.Addr, hops ...pim.NextHop) {
	s.do(func(now instant.Time, r *pim.Router, fx *pim.Effects) {
		s.routes[root] = hops
		r.SetRPF(now, root, hops, fx)
	})
}

// see reads the state of the router.
func (s *speaker) see(f func(now instant.Time, r *pim.Router)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.now(), s.router)
}

// neighbors returns the addresses of all neighbors.
func (s *speaker) neighbors() (list []netip.Addr) {
	s.see(func(now instant.Time, r *pim.Router) {
		for _, i := range r.Interfaces(now) {
			for _, n := range i.Neighbors {
				list = append(list, n.Address)
			}
		}
	})
	return list
}

// refused fails the test if the router has dropped a message.
func (s *speaker) refused() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, err := range s.drops {
		s.t.Errorf("dropped: %v", err)
	}
}
