package gate

import (
	"errors"
	"fmt"
	"os"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
)

// Options say how to open a gate. The zero value opens one in the namespace of the process,
// protected as well as the kernel can.
type Options struct {
	// Inside runs a function in the gate's namespace. Nil stands for the process's.
	Inside func(func() error) error
	// Socket is the descriptor that the gate of a predecessor has handed over, 0 for none.
	Socket int
	// Protection is the most to ask for. Less shows how an older kernel would do.
	Protection Protection
}

// Open connects to nftables. The kernel is not changed before the first Apply or Sync.
func Open(o Options) (*Gate, error) {
	g := &Gate{inside: o.Inside, protection: o.Protection}
	if g.inside == nil {
		g.inside = func(f func() error) error { return f() }
	}
	var err error
	if o.Socket != 0 {
		g.socket = newSocket(netlink.Adopt(o.Socket))
	} else {
		err = g.connect()
	}
	if err == nil {
		err = g.converse()
	}
	if err != nil {
		return nil, fmt.Errorf("open nftables: %w", err)
	}
	return g, nil
}

// connect opens a socket.
func (g *Gate) connect() error {
	return g.inside(func() error {
		conn, err := netlink.Open(unix.NETLINK_NETFILTER)
		if err == nil {
			g.socket = newSocket(conn)
		}
		return err
	})
}

// converse begins to speak through the socket.
func (g *Gate) converse() (err error) {
	g.conn, err = nftables.New(nftables.AsLasting(), nftables.WithTestDial(g.socket.exchange))
	return err
}

// Protection tells how the kernel protects the table, once there was an Apply or Sync.
func (g *Gate) Protection() Protection {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.protection
}

// HandOver returns the connection for the gate of a successor. As long as one of the two
// has it open, nobody else can touch the table.
func (g *Gate) HandOver() (*os.File, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.socket.HandOver()
}

// Close ends the connection. With remove the table is taken out of the kernel,
// which opens the gate; without, it stays as it is unless it is only [Owned].
func (g *Gate) Close(remove bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	var err error
	if remove {
		r := newRuleset(1)
		// Adding first makes deleting work when there is no table.
		g.conn.AddTable(r.table)
		g.conn.DelTable(r.table)
		if err = g.conn.Flush(); err != nil {
			err = fmt.Errorf("remove the gate: %w", err)
		}
		g.held = nil
	}
	return errors.Join(err, g.conn.CloseLasting(), g.socket.Close())
}

// failed forgets what the kernel holds, and answers that nobody has read. The socket stays
// as long as it can be used: what is Owned goes with it.
func (g *Gate) failed(what string, err error) error {
	g.held = nil
	if g.socket.Drain() != nil {
		_ = g.socket.Close()
		err = errors.Join(err, g.connect())
	}
	_ = g.conn.CloseLasting()
	return fmt.Errorf("%s: %w", what, errors.Join(err, g.converse()))
}
