// Package gate opens and closes the sending of multicast out of interfaces, at
// one place: an nftables chain at the forward hook, in a table "ip6 tandem"
// that belongs to this package.
//
// The multicast forwarding cache may hold any number of routes that go out of
// an interface; the gate decides for all of them at once whether they really
// go. A change of duty is one nftables transaction, whatever the number of
// groups, and every packet meets the rules either before or after it.
//
// Only multicast wider than the link that is being forwarded meets the gate;
// MLD, neighbour discovery and everything else of the router itself does not.
package gate

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"github.com/google/nftables"
)

// TableName is the name of the nftables table, of family ip6.
const TableName = "tandem"

// ErrSeed says that a state has no seed. The kernel would take zero for "any".
var ErrSeed = errors.New("the gate's hash seed must not be zero")

// SG is a source and a group.
type SG struct{ Source, Group netip.Addr }

// State is what the gate lets pass. An interface that no list names sends everything.
type State struct {
	// Closed interfaces send nothing. Interfaces are named, so that one that
	// vanishes and returns finds the gate as it was.
	Closed []string
	// Bucket0 and Bucket1 interfaces send only the (S,G) whose hash is 0 or 1.
	// An interface in both, or in Closed as well, sends nothing.
	Bucket0, Bucket1 []string
	// Exceptions pass whatever their hash, out of Closed interfaces too.
	Exceptions []SG
	// Seed is the seed of the kernel's jhash over source and group.
	Seed uint32
}

// Drops are the packets that the rules of the gate have dropped since they
// were made, which is at Open, at a change of seed, and after a repair.
type Drops struct {
	Closed           uint64
	Bucket0, Bucket1 uint64 // on interfaces that send only that bucket
}

// Gate owns the table. Its methods may be called by several goroutines.
type Gate struct {
	mu     sync.Mutex
	inside func(func() error) error // runs a function in the namespace
	socket *socket
	conn   *nftables.Conn
	rules  ruleset
	// held is what the kernel holds as far as is known; nil when it is not.
	held *contents
	// handles are the kernel's numbers of our rules; others mean that somebody meddled.
	handles []uint64
	repairs uint64
}

// Open connects to nftables in the namespace of the process. The kernel is not
// changed before the first Apply or Sync.
func Open() (*Gate, error) { return OpenIn(func(f func() error) error { return f() }) }

// OpenIn connects where a function runs another, as in a namespace.
func OpenIn(inside func(func() error) error) (*Gate, error) {
	g := &Gate{inside: inside}
	if err := g.connect(); err != nil {
		return nil, err
	}
	return g, nil
}

func (g *Gate) connect() error {
	return g.inside(func() error {
		sock, err := openSocket()
		if err != nil {
			return fmt.Errorf("open nftables: %w", err)
		}
		conn, err := nftables.New(nftables.AsLasting(), nftables.WithTestDial(sock.exchange))
		if err != nil {
			return fmt.Errorf("open nftables: %w", errors.Join(err, sock.Close()))
		}
		g.socket, g.conn = sock, conn
		return nil
	})
}

// Apply brings the kernel to a state in one transaction: the difference to what
// was applied last, or the whole table when that is not known, which replaces
// one that an earlier process has left. On an error the kernel is as before.
func (g *Gate) Apply(s State) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.apply(s)
}

// Sync brings the kernel to a state like Apply, but looks first what the kernel
// really holds, and repairs what somebody else has changed.
func (g *Gate) Sync(s State) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held != nil {
		before := g.held
		g.held = g.read(before.seed)
		if g.held != nil && !g.held.equal(before) {
			g.repairs++ // else replace counts it
		}
	}
	return g.apply(s)
}

// Repairs counts how often Sync found the kernel otherwise than it was left.
func (g *Gate) Repairs() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.repairs
}

// Drops reads the counters of the rules.
func (g *Gate) Drops() (Drops, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held == nil {
		return Drops{}, nil
	}
	rules, err := g.conn.GetRules(g.rules.table, g.rules.chain)
	if err != nil {
		return Drops{}, g.failed("read the gate", err)
	}
	if !slices.Equal(handles(rules), g.handles) {
		return Drops{}, errors.New("read the gate: its rules have been changed by somebody else")
	}
	return g.rules.drops(rules), nil
}

// Close ends the connection. With remove the table is taken out of the kernel,
// which opens the gate; without, it stays as it is.
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

func (g *Gate) apply(s State) error {
	if s.Seed == 0 {
		return ErrSeed
	}
	want, err := contentsOf(s)
	if err != nil {
		return err
	}
	if g.held == nil || g.held.seed != s.Seed {
		return g.replace(want)
	}
	changed, err := g.rules.change(g.conn, g.held, want)
	if err != nil || !changed {
		return err
	}
	if err := g.conn.Flush(); err != nil {
		// Most likely somebody has changed the table behind our back; making it
		// anew depends on nothing that is there.
		_ = g.failed("", err)
		return g.replace(want)
	}
	g.held = want
	return nil
}

// replace puts a whole new table in the place of whatever there is.
func (g *Gate) replace(want *contents) error {
	r := newRuleset(want.seed)
	if err := r.create(g.conn, want); err != nil {
		return err
	}
	if err := g.conn.Flush(); err != nil {
		return g.failed("set up the gate", err)
	}
	rules, err := g.conn.GetRules(r.table, r.chain)
	if err != nil {
		return g.failed("read the gate", err)
	}
	if lost := g.handles != nil && g.held == nil; lost {
		g.repairs++
	}
	g.rules, g.held, g.handles = r, want, handles(rules)
	return nil
}

// read asks the kernel for the contents of the table; nil when its rules are
// not the ones that we have made, or cannot be read.
func (g *Gate) read(seed uint32) *contents {
	rules, err := g.conn.GetRules(g.rules.table, g.rules.chain)
	if err != nil || !slices.Equal(handles(rules), g.handles) {
		_ = g.failed("", err)
		return nil
	}
	c, err := g.rules.read(g.conn, seed)
	if err != nil {
		_ = g.failed("", err)
		return nil
	}
	return c
}

// failed forgets what the kernel holds and starts a new connection, as the old
// one may have answers left in it that belong to nothing.
func (g *Gate) failed(what string, err error) error {
	g.held = nil
	_, _ = g.conn.CloseLasting(), g.socket.Close()
	if again := g.connect(); again != nil {
		err = errors.Join(err, again)
	}
	return fmt.Errorf("%s: %w", what, err)
}

func handles(rules []*nftables.Rule) []uint64 {
	list := make([]uint64, len(rules))
	for i, r := range rules {
		list[i] = r.Handle
	}
	return list
}
