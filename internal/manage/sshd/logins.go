package sshd

import (
	"math/rand/v2"
	"net"
	"net/netip"
)

// logins are the connections that are not logged in yet. Their number is bounded. A new
// connection is never refused for that: instead, the source with the most connections loses one
// of them at random. So a host that opens connections and does nothing harms only itself, and
// an administrator in its /64 needs only the time of a handshake.
type logins map[net.Conn]login

type login struct {
	source  netip.Prefix
	blocked bool // the source was blocked when it connected
}

// add adds a connection. It returns the connection that must be closed for it, nil if there is
// room.
func (l logins) add(c net.Conn, from login) (victim net.Conn) {
	if len(l) >= maxLogins {
		victim = l.victim()
		delete(l, victim)
	}
	l[c] = from
	return victim
}

// victim returns a connection of a blocked source if there is one, otherwise of the source with
// the most connections.
func (l logins) victim() net.Conn {
	held := make(map[netip.Prefix]int)
	for _, from := range l {
		held[from.source]++
		if from.blocked {
			held[from.source] += maxLogins
		}
	}
	var choice []net.Conn
	most := 0
	for c, from := range l {
		n := held[from.source]
		if n > most {
			most, choice = n, choice[:0]
		}
		if n == most {
			choice = append(choice, c)
		}
	}
	return choice[rand.IntN(len(choice))]
}
