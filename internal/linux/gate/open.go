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
	// Inside runs a function in the gate's network namespace. Nil means the namespace of
	// the process.
	Inside func(func() error) error
	// Socket is the descriptor of the socket that a predecessor's gate has handed over, 0
	// for none.
	Socket int
	// Protection is the best protection to request. Tests request a lower one, to test
	// the behaviour on an older kernel.
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

// converse opens the nftables connection over the socket.
func (g *Gate) converse() (err error) {
	g.conn, err = nftables.New(nftables.AsLasting(), nftables.WithTestDial(g.socket.exchange))
	return err
}

// Protection returns how the kernel protects the table. It is known after the first Apply
// or Sync.
func (g *Gate) Protection() Protection {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.protection
}

// HandOver returns the connection for the gate of a successor. As long as one of the two
// processes has it open, no other program can change the table.
func (g *Gate) HandOver() (*os.File, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.socket.HandOver()
}

// Close ends the connection. With remove, it deletes the table from the kernel, so that
// every interface sends again. Without remove, the table stays, unless its protection is
// only [Owned].
func (g *Gate) Close(remove bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	var err error
	if remove {
		r := newRuleset(1)
		// To delete a table that does not exist is an error. So the table is added first.
		g.conn.AddTable(r.table)
		g.conn.DelTable(r.table)
		if err = g.conn.Flush(); err != nil {
			err = fmt.Errorf("remove the gate: %w", err)
		}
		g.held = nil
	}
	return errors.Join(err, g.conn.CloseLasting(), g.socket.Close())
}

// failed handles an error: it treats the content of the kernel's table as unknown and
// discards unread answers. It keeps the socket if possible, because the kernel deletes an
// Owned table when its socket closes.
func (g *Gate) failed(what string, err error) error {
	g.held = nil
	if g.socket.Drain() != nil {
		_ = g.socket.Close()
		err = errors.Join(err, g.connect())
	}
	_ = g.conn.CloseLasting()
	return fmt.Errorf("%s: %w", what, errors.Join(err, g.converse()))
}
