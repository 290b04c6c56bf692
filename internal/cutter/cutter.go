// Package cutter is a TCP proxy for tests that ends each connection after some
// number of bytes, in the middle of anything.
package cutter

import (
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
)

// Proxy passes the bytes of both directions on and cuts each connection when a
// number of them, drawn anew, have gone through: by a reset or an orderly end.
type Proxy struct {
	dial  func() (net.Conn, error)
	rng   *rand.Rand
	cuts  atomic.Int64
	peace atomic.Bool

	mu      sync.Mutex
	current []net.Conn
}

// Start serves a listener until that is closed. Connections go on to where dial leads.
func Start(listener net.Listener, dial func() (net.Conn, error), seed uint64) *Proxy {
	p := &Proxy{dial: dial, rng: rand.New(rand.NewPCG(seed, 1))}
	go p.serve(listener)
	return p
}

// Cuts is how many connections have been cut so far.
func (p *Proxy) Cuts() int { return int(p.cuts.Load()) }

// SetPeace switches the cutting off, or on again. The connection there is ends, so
// that the next one is the first to go by it.
func (p *Proxy) SetPeace(on bool) {
	p.peace.Store(on)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.current {
		c.Close()
	}
}

func (p *Proxy) serve(listener net.Listener) {
	for {
		a, err := listener.Accept()
		if err != nil {
			return
		}
		b, err := p.dial()
		if err != nil {
			a.Close()
			continue
		}
		p.pass(a, b)
	}
}

// pass lets both directions of a connection run, up to its cut.
func (p *Proxy) pass(a, b net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current = []net.Conn{a, b}
	var left atomic.Int64
	left.Store(int64(p.rng.IntN(1 << p.rng.IntN(18)))) // as often early as late
	reset := p.rng.IntN(2) == 0
	var once sync.Once
	end := func(cut bool) {
		once.Do(func() {
			if cut {
				p.cuts.Add(1)
			}
			for _, c := range []net.Conn{a, b} {
				if tcp, ok := c.(*net.TCPConn); ok && reset {
					_ = tcp.SetLinger(0)
				}
				c.Close()
			}
		})
	}
	run := func(to, from net.Conn) {
		buf := make([]byte, 4096)
		for {
			n, err := from.Read(buf)
			over := left.Add(-int64(n))
			cut := over <= 0 && !p.peace.Load()
			if cut {
				n = max(0, n+int(over))
			}
			_, failed := to.Write(buf[:n])
			if cut || err != nil || failed != nil {
				end(cut)
				return
			}
		}
	}
	go run(a, b)
	go run(b, a)
}
