package gate_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"

	"tandem/internal/linux/gate"
	"tandem/internal/linux/inherit"
	"tandem/internal/linux/testnet"
)

var closedD0 = gate.State{Seed: 1, Closed: []string{"d0"}}

// damages are changes that another program may try. To flush the whole ruleset succeeds in
// any case, because the kernel skips tables of other owners.
var damages = []struct {
	what string
	do   func(*nftables.Conn)
}{
	{"flush a set", func(c *nftables.Conn) { c.FlushSet(theirs.set) }},
	{"add an element", func(c *nftables.Conn) {
		_ = c.SetAddElements(theirs.set, []nftables.SetElement{{Key: append([]byte("d1"), make([]byte, 14)...)}})
	}},
	{"flush the chain", func(c *nftables.Conn) { c.FlushChain(theirs.chain) }},
	{"add a rule", func(c *nftables.Conn) {
		drop := []expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}}
		c.AddRule(&nftables.Rule{Table: theirs.table, Chain: theirs.chain, Exprs: drop})
	}},
	{"delete the table", func(c *nftables.Conn) { c.DelTable(theirs.table) }},
	{clearAll, (*nftables.Conn).FlushRuleset},
}

const clearAll = "clear the ruleset"

// theirs opens the gate's table as another program does.
var theirs = func() (t struct {
	table *nftables.Table
	chain *nftables.Chain
	set   *nftables.Set
}) {
	t.table = &nftables.Table{Family: nftables.TableFamilyIPv6, Name: gate.TableName}
	t.chain = &nftables.Chain{Table: t.table, Name: "forward"}
	t.set = &nftables.Set{Table: t.table, Name: "closed", KeyType: nftables.TypeIFName}
	return t
}()

// meddle changes the tables of the router as another program does.
func (b *bed) meddle(do func(*nftables.Conn)) error {
	b.t.Helper()
	conn, err := nftables.New(nftables.WithNetNSFd(b.Router.FD()))
	testnet.Must(b.t, err)
	do(conn)
	return conn.Flush()
}

// expectProtected fails unless the gate, with d0 closed, resists all changes of others.
func (b *bed) expectProtected(what string) {
	b.t.Helper()
	for _, d := range damages {
		if err := b.meddle(d.do); err == nil && d.what != clearAll {
			b.t.Errorf("%s: somebody else may %s", what, d.what)
		}
		b.expect(what+", "+d.what, b.groups[0], false, true)
	}
}

// TestProtection: only the owner can change the table. Others cannot change it even by
// flushing the whole ruleset.
func TestProtection(t *testing.T) {
	for _, p := range []gate.Protection{gate.Persistent, gate.Owned} {
		t.Run(p.String(), func(t *testing.T) {
			b := newBedWith(t, 1, p)
			testnet.Must(t, b.gate.Apply(closedD0))
			if got := b.gate.Protection(); got < p || got == gate.Unprotected {
				t.Skipf("the kernel has protection %q", got)
			}
			b.expectProtected("protected")
			testnet.Must(t, b.gate.Sync(closedD0))
			if n := b.gate.Repairs(); n != 0 {
				t.Errorf("%d repairs of an untouched table", n)
			}
			testnet.Must(t, b.gate.Apply(gate.State{Seed: 1, Closed: []string{"d1"}}))
			b.expect("changed by the owner", b.groups[0], true, false)
			testnet.Must(t, b.gate.Close(true))
			b.expect("removed by the owner", b.groups[0], true, true)
		})
	}
}

// TestSuccession: after a daemon has died, its table stays if the kernel supports that. The
// next daemon replaces it, and its table is protected again.
func TestSuccession(t *testing.T) {
	for _, p := range []gate.Protection{gate.Persistent, gate.Owned, gate.Unprotected} {
		t.Run(p.String(), func(t *testing.T) {
			b := newBedWith(t, 1, p)
			testnet.Must(t, b.gate.Apply(gate.State{Seed: 1, Closed: []string{"d0", "d1"}}))
			got := b.gate.Protection()
			testnet.Must(t, b.gate.Close(false))
			gone := got == gate.Owned
			b.expect("left behind", b.groups[0], gone, gone)
			next := openGate(t, gate.Options{Inside: b.Router.Do})
			testnet.Must(t, next.Sync(gate.State{Seed: 2, Closed: []string{"d1"}}))
			b.expect("taken over", b.groups[0], true, false)
			testnet.Must(t, next.Apply(gate.State{Seed: 2, Closed: []string{"d0"}}))
			if next.Protection() != gate.Unprotected {
				b.expectProtected("taken over")
			}
		})
	}
}

// TestHandOver: during a hand-over no other program can change the gate. The successor can
// change it at once.
func TestHandOver(t *testing.T) {
	b := newBed(t, 1)
	testnet.Must(t, b.gate.Apply(closedD0))
	if b.gate.Protection() == gate.Unprotected {
		t.Skip("the kernel protects no tables")
	}
	file, err := b.gate.HandOver()
	testnet.Must(t, err)
	testnet.Must(t, b.gate.Close(false))
	b.expectProtected("between")
	fd, err := inherit.Descriptor(file)
	testnet.Must(t, err)
	next := openGate(t, gate.Options{Inside: b.Router.Do, Socket: fd})
	b.expectProtected("before the successor's first change")
	testnet.Must(t, next.Sync(closedD0))
	b.expectProtected("after it")
	testnet.Must(t, next.Close(true))
	b.expect("removed", b.groups[0], true, true)
}

// TestFailureKeepsTheOwner: when an answer of the kernel was not read to its end, the gate
// stays the owner of the table.
func TestFailureKeepsTheOwner(t *testing.T) {
	b := newBedWith(t, 1, gate.Owned)
	testnet.Must(t, b.gate.Apply(closedD0))
	if b.gate.Protection() == gate.Unprotected {
		t.Skip("the kernel protects no tables")
	}
	testnet.Must(t, b.gate.Fail())
	b.expectProtected("after a failure")
	testnet.Must(t, b.gate.Apply(closedD0))
	b.expectProtected("made anew")
}

// TestWatch: a watcher reports what others do to the table, and nothing else.
func TestWatch(t *testing.T) {
	b := newBedWith(t, 1, gate.Unprotected)
	testnet.Must(t, b.gate.Apply(closedD0))
	w, err := b.gate.Watch()
	testnet.Must(t, err)
	told, ended := make(chan bool, 100), make(chan error, 1)
	go func() {
		for {
			if err := w.Wait(); err != nil {
				ended <- err
				return
			}
			told <- true
		}
	}()
	expectTold := func(what string, want bool) {
		t.Helper()
		wait := 50 * time.Millisecond
		if want {
			wait = 5 * time.Second
		}
		select {
		case <-told:
			if !want {
				t.Errorf("%s: told", what)
			}
		case <-time.After(wait):
			if want {
				t.Errorf("%s: not told", what)
			}
		}
	}
	testnet.Must(t, b.gate.Apply(gate.State{Seed: 1, Closed: []string{"d1"}}))
	testnet.Must(t, b.gate.Apply(gate.State{Seed: 2, Closed: []string{"d0"}}))
	expectTold("own changes", false)
	testnet.Must(t, b.meddle(func(c *nftables.Conn) {
		c.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: gate.TableName})
		other := c.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv6, Name: "other"})
		c.AddChain(&nftables.Chain{Table: other, Name: "forward"})
	}))
	expectTold("other tables", false)
	for _, d := range damages {
		testnet.Must(t, b.meddle(d.do))
		expectTold(d.what, true)
		testnet.Must(t, b.gate.Sync(gate.State{Seed: 1, Closed: []string{"d0"}}))
		for len(told) > 0 {
			<-told // the notice came in several parts
		}
	}
	testnet.Must(t, w.Close())
	select {
	case err := <-ended:
		if !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Error("closed, but it still waits")
	}
}
