// Package crowd bounds the connections that strangers hold, so that they do not take the file
// descriptors and the memory of a program, and so that nobody keeps others out.
package crowd

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
)

// Crowd holds a bounded number of connections. A new connection is never refused: instead, the
// source with the most connections loses one of them at random. So a host that opens
// connections and does nothing harms only itself, and an honest host in its /64 needs only the
// time of its request. All methods may be called at the same time.
type Crowd struct {
	most int
	mu   sync.Mutex
	list map[net.Conn]member
}

type member struct {
	source     netip.Prefix
	distrusted bool
}

// New returns a crowd of at most so many connections, one or more.
func New(most int) *Crowd { return &Crowd{most: most, list: make(map[net.Conn]member)} }

// Source returns the source as which a host counts: its IPv4 address, or the /64 of its IPv6
// address, because a host can use every address of its /64.
func Source(a netip.Addr) netip.Prefix {
	bits := 32
	if a = a.Unmap(); a.Is6() {
		bits = 64
	}
	p, _ := a.WithZone("").Prefix(bits) // fits any address
	return p
}

// Add adds a connection. It returns the connection that the caller must close to make room,
// nil if there is room. A distrusted connection goes before all others.
func (c *Crowd) Add(conn net.Conn, source netip.Prefix, distrusted bool) (victim net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.list) >= c.most {
		victim = c.victim()
		delete(c.list, victim)
	}
	c.list[conn] = member{source, distrusted}
	return victim
}

// Remove removes a connection, if the crowd has it.
func (c *Crowd) Remove(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.list, conn)
}

// victim returns a connection of the source with the most connections. A distrusted
// connection counts more than all others together.
func (c *Crowd) victim() net.Conn {
	held := make(map[netip.Prefix]int)
	for _, m := range c.list {
		held[m.source]++
		if m.distrusted {
			held[m.source] += c.most
		}
	}
	var choice []net.Conn
	most := 0
	for conn, m := range c.list {
		n := held[m.source]
		if n > most {
			most, choice = n, choice[:0]
		}
		if n == most {
			choice = append(choice, conn)
		}
	}
	return choice[rand.IntN(len(choice))]
}
