package pairtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"tandem/internal/linux/mroute"
	"tandem/internal/linux/testnet"
)

// TestFirstPackets: a source that a listener names has its forwarding entry before it sends.
func TestFirstPackets(t *testing.T) {
	n := newLone(t)
	for i := range 20 {
		group := churnGroup(i)
		m := n.join(i%2, group, false, 1)
		eventually(t, "there is an entry", func() error {
			_, err := n.entry(1, group)
			return err
		})
		n.send(1, group, 7)
		first := flow{n.sources[1], group, 7}
		eventually(t, "the first packet arrives", func() error {
			if m.count(first) != 1 {
				return errors.New("it has not")
			}
			return nil
		})
		if e, err := n.entry(1, group); err != nil || e.Packets != 1 {
			t.Errorf("entry %+v, %v, want one packet", e, err)
		}
	}
}

// TestExcludedSources: packets of a source that a listener excludes do not reach the listener's
// link. Packets of the group's other sources do.
func TestExcludedSources(t *testing.T) {
	n := newLone(t)
	group := churnGroup(0)
	n.join(0, group, true, 0)
	n.join(1, group, true)
	wanted := [][]bool{{false, true}, {true, true}, {true, true}} // by source, then host
	for source, hosts := range wanted {
		for host, want := range hosts {
			eventually(t, fmt.Sprintf("source %d at host %d: %v", source, host, want), func() error {
				n.send(source, group, 1)
				e, err := n.entry(source, group)
				if err == nil && slices.Contains(e.Outgoing, n.down(host)) != want {
					err = fmt.Errorf("entry %+v", e)
				}
				return err
			})
		}
	}
	for source := range wanted {
		for range 50 {
			n.send(source, group, 2)
		}
	}
	n.arrive(2, 50, group, wanted)
	if got := n.wire[0].count(flow{n.sources[0], group, 1}); got != 0 {
		t.Errorf("%d packets of the excluded source were forwarded from the join on", got)
	}
}

// arrive waits until the packets of a run have arrived on the links that want them, by source
// and host. It fails if they arrive on others.
func (n *lone) arrive(run uint32, packets int, group netip.Addr, wanted [][]bool) {
	n.t.Helper()
	for source, hosts := range wanted {
		for host, want := range hosts {
			expected := 0
			if want {
				expected = packets
			}
			f := flow{n.sources[source], group, run}
			eventually(n.t, fmt.Sprintf("%v arrives at host %d", f, host), func() error {
				if got := n.wire[host].count(f); got < expected {
					return fmt.Errorf("%d packets of %d", got, expected)
				}
				return nil
			})
			if got := n.wire[host].count(f); got != expected {
				n.t.Errorf("%v: %d packets at host %d, want %d", f, got, host, expected)
			}
		}
	}
}

// down returns the index of the interface towards a host.
func (n *lone) down(host int) int { return []int{n.Down0.Index, n.Down1.Index}[host] }

func churnGroup(i int) netip.Addr {
	return netip.AddrFrom16([16]byte{0xff, 0x1e, 13: 0xc, 15: byte(i)})
}

type keptFacts struct {
	SetAgain   uint64 `json:"entries-set-again"`
	Removed    uint64 `json:"foreign-entries-removed"`
	Interfaces uint64 `json:"interfaces-added-again"`
}

// repairs waits until the forwarding table was repaired as often as this.
func (n *lone) repairs(what string, want keptFacts) {
	n.t.Helper()
	eventually(n.t, what, func() error {
		var got keptFacts
		err := n.device.display("multicast ipv6 forwarding-table", &got)
		if err == nil && got != want {
			err = fmt.Errorf("counted %+v, want %+v", got, want)
		}
		return err
	})
}

// TestForwardingMeddled: another program changes the kernel's table; the daemon repairs it.
func TestForwardingMeddled(t *testing.T) {
	n := newLone(t)
	other := n.Router.Meddler(t)
	groups := make([]netip.Addr, 40)
	for i := range groups {
		groups[i] = netip.AddrFrom16([16]byte{0xff, 0x3e, 12: 0x80, 15: byte(i)})
	}
	m := n.join(0, groups[0], false, 0)
	for _, g := range groups[1:] {
		n.join(0, g, false, 0)
	}
	held := func(g netip.Addr) error {
		e, err := n.entry(0, g)
		if err == nil && (e.Upstream != n.Up.Index || !slices.Equal(e.Outgoing, []int{n.Down0.Index})) {
			err = fmt.Errorf("entry %+v", e)
		}
		return err
	}
	all := func() error {
		for _, g := range groups {
			if err := held(g); err != nil {
				return err
			}
		}
		return nil
	}
	eventually(t, "all entries are there", all)

	other.Delete(n.sources[0], groups[3])
	n.repairs("a deleted entry is set again", keptFacts{SetAgain: 1})
	testnet.Must(t, held(groups[3]))
	other.Set(n.sources[0], groups[4], 0)
	n.repairs("a changed entry is set again", keptFacts{SetAgain: 2})
	testnet.Must(t, held(groups[4]))
	other.Set(netip.IPv6Unspecified(), churnGroup(9), 0, 0, 1, 2)
	n.repairs("an entry for any source is removed", keptFacts{SetAgain: 2, Removed: 1})
	other.Set(n.sources[1], groups[5], 0, 0, 1, 2)
	n.repairs("an entry that nobody wants is removed", keptFacts{SetAgain: 2, Removed: 2})
	const flood = 20000 // more than the kernel can report at once
	for i := range flood {
		g := churnGroup(0).As16()
		g[8], g[9] = byte(i>>8), byte(i)
		other.Set(n.sources[1], netip.AddrFrom16(g), 0, 0, 1, 2)
	}
	n.repairs("a flood of them as well", keptFacts{SetAgain: 2, Removed: 2 + flood})
	other.Flush()
	again := 2 + uint64(len(groups)) + 1 // and the entry that discards packets from the hosts
	n.repairs("all are set again", keptFacts{SetAgain: again, Removed: 2 + flood})
	testnet.Must(t, all())
	for mif := range 3 {
		other.DeleteMIF(mif)
	}
	n.repairs("interfaces are added again", keptFacts{SetAgain: again, Removed: 2 + flood, Interfaces: 3})
	testnet.Must(t, all())
	n.send(0, groups[0], 1)
	eventually(t, "the stream arrives", func() error {
		if m.count(flow{n.sources[0], groups[0], 1}) != 1 {
			return errors.New("it does not")
		}
		return nil
	})
}

// TestChurn: sockets join, change and leave at random while all streams are sent. Afterwards
// the kernel forwards what the sockets want and nothing else.
func TestChurn(t *testing.T) {
	n := newLone(t)
	n.queriesOften()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	c := &churn{lone: n, rng: rand.New(rand.NewPCG(seed, 0))}
	stop := c.stream()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		c.step()
		time.Sleep(time.Duration(c.rng.IntN(40)) * time.Millisecond)
	}
	eventually(t, "the kernel's table is what the sockets want", c.settled)
	stop()
	const packets = 20
	for range packets {
		c.eachStream(func(source int, group netip.Addr) { n.send(source, group, 1) })
		time.Sleep(time.Millisecond)
	}
	for i := range churnGroups {
		wanted := make([][]bool, len(n.sources))
		for source := range wanted {
			wanted[source] = []bool{c.wants(0, source, churnGroup(i)), c.wants(1, source, churnGroup(i))}
		}
		n.arrive(1, packets, churnGroup(i), wanted)
	}
	for _, m := range c.sockets {
		for source, addr := range n.sources {
			expected := 0
			if m.wants(source) {
				expected = packets
			}
			eventually(t, fmt.Sprintf("the socket of %s has what it wants of source %d", m, source), func() error {
				if got := m.count(flow{addr, m.group, 1}); got != expected {
					return fmt.Errorf("%d packets, want %d", got, expected)
				}
				return nil
			})
		}
	}
	n.repairs("nobody else has changed the table", keptFacts{})
}

// TestHastyLeave: if a Linux host stops wanting all sources of a group and, within a few
// milliseconds, the group, it reports only its last named sources. For the router it still
// listens to all others, until a general query.
func TestHastyLeave(t *testing.T) {
	n := newLone(t)
	n.queriesOften()
	group := churnGroup(0)
	for range 2 {
		all, one := n.join(0, group, true), n.join(0, group, false, 1)
		eventually(t, "the host is a listener", func() error {
			n.send(0, group, 1)
			_, err := n.entry(0, group)
			return err
		})
		all.conn.Close()
		one.conn.Close()
		eventually(t, "nothing goes to the host any more", func() error {
			n.send(0, group, 1)
			if e, err := n.entry(0, group); err == nil && len(e.Outgoing) > 0 {
				return fmt.Errorf("entry %+v", e)
			}
			return nil
		})
	}
}

// queriesOften sets a short query interval, so that the router soon finds out what a host has
// failed to report.
func (n *lone) queriesOften() {
	n.t.Helper()
	n.device.configures("mld", "timer query 3", "max-response-time 1")
}

const (
	churnGroups  = 6
	churnSockets = 24
)

type churn struct {
	*lone
	rng     *rand.Rand
	sockets []*membership
}

// step changes one socket.
func (c *churn) step() {
	switch {
	case len(c.sockets) == 0 || len(c.sockets) < churnSockets && c.rng.IntN(3) == 0:
		host, group, any := c.rng.IntN(2), churnGroup(c.rng.IntN(churnGroups)), c.rng.IntN(2) == 0
		listed := c.rng.Perm(len(c.sources))[:c.rng.IntN(len(c.sources))]
		if !any && len(listed) == 0 {
			listed = []int{0}
		}
		c.sockets = append(c.sockets, c.join(host, group, any, listed...))
	case c.rng.IntN(2) == 0:
		i := c.rng.IntN(len(c.sockets))
		c.sockets[i].conn.Close()
		c.sockets = slices.Delete(c.sockets, i, i+1)
	default:
		m, source := c.sockets[c.rng.IntN(len(c.sockets))], c.rng.IntN(len(c.sources))
		if !m.any && m.listed[source] && len(m.listed) == 1 {
			return // it would leave the group
		}
		c.list(m, source)
	}
}

// stream sends all streams in turn until stop is called.
func (c *churn) stream() (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c.eachStream(func(source int, group netip.Addr) { c.send(source, group, 0) })
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() { close(done); <-ended }
}

func (c *churn) eachStream(f func(source int, group netip.Addr)) {
	for i := range churnGroups {
		for source := range c.sources {
			f(source, churnGroup(i))
		}
	}
}

// wants reports whether any socket of a host wants a stream.
func (c *churn) wants(host, source int, group netip.Addr) bool {
	return slices.ContainsFunc(c.sockets, func(m *membership) bool {
		return m.host == host && m.group == group && m.wants(source)
	})
}

// settled says what is still wrong in the kernel's table.
func (c *churn) settled() (wrong error) {
	known := make(map[mroute.Change]bool)
	err := c.table.Each(c.t.Context(), func(e *mroute.Entry) bool {
		if e.Source.IsUnspecified() && e.Group.IsUnspecified() {
			return true // the entry discards packets from the hosts
		}
		source := slices.Index(c.sources, e.Source)
		if source < 0 {
			wrong = fmt.Errorf("entry of nobody: %+v", *e)
			return false
		}
		known[mroute.Change{Source: e.Source, Group: e.Group}] = true
		for host := range c.Hosts {
			if slices.Contains(e.Outgoing, c.down(host)) != c.wants(host, source, e.Group) {
				wrong = fmt.Errorf("host %d wants it %v: entry %+v", host, c.wants(host, source, e.Group), *e)
			}
		}
		return wrong == nil
	})
	c.eachStream(func(source int, group netip.Addr) {
		if wrong == nil && !known[mroute.Change{Source: c.sources[source], Group: group}] {
			wrong = fmt.Errorf("no entry for source %d of %s", source, group)
		}
	})
	return errors.Join(err, wrong)
}
