// Package cutter is a TCP proxy for tests. It ends each connection after a random number
// of bytes, at any place in the stream.
package cutter

import (
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
)

// Proxy forwards the bytes of both directions. It ends each connection, by a reset or in
// order, after a number of bytes that is drawn for that connection.
type Proxy struct {
	dial  func() (net.Conn, error)
	rng   *rand.Rand
	cuts  atomic.Int64
	peace atomic.Bool

	mu      sync.Mutex
	current []net.Conn
}

// Start serves a listener until it is closed. dial opens the other side of each
// connection.
func Start(listener net.Listener, dial func() (net.Conn, error), seed uint64) *Proxy {
	p := &Proxy{dial: dial, rng: rand.New(rand.NewPCG(seed, 1))}
	go p.serve(listener)
	return p
}

// Cuts returns how many connections have been cut so far.
func (p *Proxy) Cuts() int { return int(p.cuts.Load()) }

// SetPeace switches the cutting off, or on again. It ends the present connection, so that
// the next one follows the new setting.
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

// pass forwards both directions of a connection, up to its cut.
func (p *Proxy) pass(a, b net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current = []net.Conn{a, b}
	var left atomic.Int64
	left.Store(int64(p.rng.IntN(1 << p.rng.IntN(18)))) // the exponent is random, so short and long connections are equally frequent
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
