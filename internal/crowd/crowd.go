// Package crowd bounds the connections of clients that have not logged in. These
// connections cannot use up the file descriptors and the memory of a program, and no
// client can keep others out.
package crowd

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
)

// Crowd holds a bounded number of connections. It never refuses a new connection.
// Instead, the source with the most connections loses one of them at random. So a host
// that opens many idle connections harms only its own source. An honest host in the same
// /64 needs only the time of its request. All methods may be called concurrently.
type Crowd struct {
	most int
	mu   sync.Mutex
	list map[net.Conn]member
}

type member struct {
	source     netip.Prefix
	distrusted bool
}

// New returns a crowd that holds at most this number of connections, at least one.
func New(most int) *Crowd { return &Crowd{most: most, list: make(map[net.Conn]member)} }

// Source returns the prefix under which the connections of a host are counted: its IPv4
// address, or the /64 of its IPv6 address, because a host can use every address of its
// /64.
func Source(a netip.Addr) netip.Prefix {
	bits := 32
	if a = a.Unmap(); a.Is6() {
		bits = 64
	}
	p, _ := a.WithZone("").Prefix(bits) // cannot fail: every address has this many bits
	return p
}

// Add adds a connection. It returns the connection that the caller must close to make
// room, nil if there is room. Distrusted connections are closed before all others.
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

// Remove removes a connection. It does nothing if the crowd does not hold the connection.
func (c *Crowd) Remove(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.list, conn)
}

// victim returns a connection of the source with the most connections. A distrusted
// connection counts for more than all other connections together.
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
