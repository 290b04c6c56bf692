// Package gate opens and closes the sending of multicast out of interfaces, at
// one place: an nftables chain at the end of the forward hook, in a table "ip6 tandem"
// that belongs to this package.
//
// The multicast forwarding cache may hold any number of routes that go out of
// an interface; the gate decides for all of them at once whether they really
// go. A change of duty is one nftables transaction, whatever the number of
// groups, and every packet meets the rules either before or after it.
//
// Only multicast wider than the link that is being forwarded meets the gate;
// MLD, neighbour discovery and everything else of the router itself does not.
//
// The same table keeps from the router what the devices of a pair say to each other, where
// it comes in on an interface towards hosts: there it cannot be of the peer.
//
// Other programs may drop packets as well, before the gate or after it. So those that come to
// it, and those that leave, are counted: see [Gate.Flows] and [Gate.Droppers].
//
// The table has an owner where the kernel knows that, see [Protection]: the
// netlink socket that has made it. Nobody else can change it then, and a firewall
// that clears the whole ruleset passes it over. The socket is handed on to a
// successor. After a crash the next daemon finds a table without an owner, which it
// can replace like any other.
package gate

import (
	"errors"
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

// Port is a port of a transport protocol.
type Port struct {
	Protocol uint8 // unix.IPPROTO_UDP or IPPROTO_TCP
	Number   uint16
}

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
	// Guarded are interfaces on which nothing is taken that comes for the ports of Control,
	// to whatever address of the router it is sent.
	Guarded []string
	Control []Port
	// Counted are the interfaces of which packets are counted, see [Gate.Flows].
	Counted []string
}

// Drops are the packets that the rules of the gate have dropped since they
// were made, which is at Open, at a change of seed, and after a repair.
type Drops struct {
	Closed           uint64
	Bucket0, Bucket1 uint64 // on interfaces that send only that bucket
	Control          uint64 // came in on guarded interfaces
}

// Gate owns the table. Its methods may be called by several goroutines.
type Gate struct {
	mu     sync.Mutex
	inside func(func() error) error // runs a function in the namespace
	socket *socket
	conn   *nftables.Conn // speaks through the socket
	rules  ruleset
	// protection is the most that the kernel may have; once it has made a table, what it has.
	protection Protection
	// held is what the kernel holds as far as is known; nil when it is not.
	held *contents
	// handles are the kernel's numbers of our rules; others mean that somebody meddled.
	handles []uint64
	repairs uint64
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
		if g.held = g.reread(before); g.held != nil && !g.held.equal(before) {
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
	rules, err := g.conn.GetRules(g.rules.table, g.rules.forward)
	if err != nil {
		return Drops{}, g.failed("read the gate", err)
	}
	if len(rules) != ruleCount || !slices.Equal(appendHandles(nil, rules), g.handles[:ruleCount]) {
		return Drops{}, errors.New("read the gate: its rules have been changed by somebody else")
	}
	drops := g.rules.drops(rules)
	control, err := g.conn.GetRules(g.rules.table, g.rules.control)
	if err != nil {
		return Drops{}, g.failed("read the gate", err)
	}
	if len(control) > 0 {
		drops.Control = counted(control[0])
	}
	return drops, nil
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

// replace puts a whole new table in the place of whatever there is, with the best protection
// that the kernel has.
func (g *Gate) replace(want *contents) error {
	r := newRuleset(want.seed)
	protection := g.protection
	err := g.create(r, want, protection)
	for refused(err) && protection < Unprotected {
		protection++
		_ = g.failed("", err)
		err = g.create(r, want, protection)
	}
	if err != nil {
		return g.failed("set up the gate", err)
	}
	handles, err := r.handles(g.conn)
	if err != nil {
		return g.failed("read the gate", err)
	}
	if lost := g.handles != nil && g.held == nil; lost {
		g.repairs++
	}
	g.rules, g.held, g.handles, g.protection = r, want, handles, protection
	return nil
}

// create has the kernel make the table.
func (g *Gate) create(r ruleset, want *contents, protection Protection) error {
	g.socket.protection = protection
	if err := r.create(g.conn, want); err != nil {
		return err
	}
	return g.conn.Flush()
}

// reread reads the table until it is as expected, three times at most. The kernel lets a set
// grow while it is read, and may then leave an element out.
func (g *Gate) reread(expected *contents) (c *contents) {
	for range 3 {
		if c = g.read(expected.seed); c == nil || c.equal(expected) {
			break
		}
	}
	return c
}

// read asks the kernel for the contents of the table; nil when its rules are
// not the ones that we have made, or cannot be read.
func (g *Gate) read(seed uint32) *contents {
	handles, err := g.rules.handles(g.conn)
	if err != nil || !slices.Equal(handles, g.handles) {
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
