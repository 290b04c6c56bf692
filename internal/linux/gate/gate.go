// Package gate opens and closes the sending of multicast out of interfaces, at one place:
// an nftables chain at the end of the forward hook, in a table "ip6 tandem" that belongs
// to this package.
//
// The multicast forwarding cache may hold any number of routes that go out of an
// interface; the gate decides for all of them at once whether the packets really leave. A
// change of duty is one nftables transaction, whatever the number of groups, and every
// packet meets the rules either before or after it.
//
// Only forwarded multicast of a scope wider than the link passes through the gate. MLD,
// neighbour discovery and all other packets of the router itself do not.
//
// The same table drops packets to the ports of the pair's own protocols if they come in
// on an interface towards hosts, because such packets cannot come from the peer.
//
// Other programs may drop packets as well, before the gate or after it. So the table
// counts the packets that reach the gate, and those that leave: see [Gate.Flows] and
// [Gate.Droppers].
//
// If the kernel supports owners of tables, see [Protection], the table has an owner: the
// netlink socket that has made it. Then no other program can change the table, and a
// firewall that clears the whole ruleset leaves it. The socket is handed over to a
// successor. After a crash the next daemon finds a table without an owner, which it can
// replace like any other.
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

// ErrSeed means that a state has no hash seed. The kernel would choose a random seed
// instead of zero.
var ErrSeed = errors.New("the gate's hash seed must not be zero")

// SG is a source and a group.
type SG struct{ Source, Group netip.Addr }

// Port is a port of a transport protocol.
type Port struct {
	Protocol uint8 // unix.IPPROTO_UDP or IPPROTO_TCP
	Number   uint16
}

// State is what the gate lets pass. An interface that is in none of the lists sends
// everything.
type State struct {
	// Closed interfaces send nothing. Interfaces are given by name: if one is deleted and
	// made again, the same rule applies to it.
	Closed []string
	// Bucket0 and Bucket1 interfaces send only the (S,G) whose hash is 0 or 1.
	// An interface in both, or in Closed as well, sends nothing.
	Bucket0, Bucket1 []string
	// Exceptions pass whatever their hash, out of Closed interfaces too.
	Exceptions []SG
	// Seed is the seed of the kernel's jhash over source and group.
	Seed uint32
	// Guarded are interfaces on which the kernel drops packets for the ports of Control,
	// whichever address of the router they are sent to.
	Guarded []string
	Control []Port
	// Counted are the interfaces whose packets are counted, see [Gate.Flows].
	Counted []string
}

// Drops counts the packets that the rules of the gate have dropped. The counters begin at 0
// at Open, when the seed changes, and after a repair.
type Drops struct {
	Closed           uint64
	Bucket0, Bucket1 uint64 // packets on interfaces that send only this bucket
	Control          uint64 // packets that arrived on guarded interfaces
}

// Gate owns the table. Its methods may be called by several goroutines.
type Gate struct {
	mu     sync.Mutex
	inside func(func() error) error // runs a function in the gate's network namespace
	socket *socket
	conn   *nftables.Conn // nftables over the socket
	rules  ruleset
	// protection is at first the requested protection. After a table was made, it is the
	// protection that this kernel gave it.
	protection Protection
	// held is the content of the kernel's table as far as it is known, or nil.
	held *contents
	// handles are the kernel's numbers of this gate's rules. If the numbers differ,
	// another program has replaced the rules.
	handles []uint64
	repairs uint64
}

// Apply brings the kernel to a state in one transaction. It sends the difference to the
// last state. If the content of the kernel's table is not known, Apply replaces the whole
// table, even one that an earlier process has left. After an error the kernel's table is
// unchanged.
func (g *Gate) Apply(s State) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.apply(s)
}

// Sync sets the kernel's table to a state, as Apply does. But it first reads the table, and
// repairs what another program has changed in it. [Gate.Repairs] counts the repairs.
func (g *Gate) Sync(s State) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held != nil {
		before := g.held
		if g.held = g.reread(before); g.held != nil && !g.held.equal(before) {
			g.repairs++ // replace counts the other repairs
		}
	}
	return g.apply(s)
}

// Repairs returns how often Sync has found the kernel's table different from what it had
// set.
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
		// Probably another program has changed the table. Replacing the whole table works
		// with any contents.
		_ = g.failed("", err)
		return g.replace(want)
	}
	g.held = want
	return nil
}

// replace replaces any existing table by a whole new one, with the best protection that the
// kernel offers.
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

// create makes the table in the kernel, with the given protection.
func (g *Gate) create(r ruleset, want *contents, protection Protection) error {
	g.socket.protection = protection
	if err := r.create(g.conn, want); err != nil {
		return err
	}
	return g.conn.Flush()
}

// reread reads the table until its content is as expected, at most three times. The
// kernel lets a set grow while it is read, and may then leave an element out.
func (g *Gate) reread(expected *contents) (c *contents) {
	for range 3 {
		if c = g.read(expected.seed); c == nil || c.equal(expected) {
			break
		}
	}
	return c
}

// read reads the content of the table from the kernel; nil if its rules are not those
// that this gate has made, or cannot be read.
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
