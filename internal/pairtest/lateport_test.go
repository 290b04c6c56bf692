package pairtest

import (
	"testing"
	"time"

	"github.com/google/nftables"

	"tandem/internal/linux/testnet"
)

// blocks makes the switch forward nothing on a leg in both directions, like a port that
// has carrier and is still learning.
func (n *network) blocks(leg string) {
	n.t.Helper()
	drop := nftables.ChainPolicyDrop
	inject(n.t, n.host, func(c *nftables.Conn) {
		table := c.AddTable(&nftables.Table{Family: nftables.TableFamilyNetdev, Name: faultTable})
		for way, hook := range map[string]*nftables.ChainHook{"in": nftables.ChainHookIngress, "out": nftables.ChainHookEgress} {
			c.AddChain(&nftables.Chain{Name: way, Table: table, Type: nftables.ChainTypeFilter, Device: leg,
				Hooknum: hook, Priority: nftables.ChainPriorityFilter, Policy: &drop})
		}
	})
}

// TestPortForwardsLate: the switch port has carrier two seconds before it forwards. This
// happens when a restarted device takes its leg up again, and when a cable is connected
// again. The peer sends until a packet has come in on the leg.
func TestPortForwardsLate(t *testing.T) {
	p, s, l := autoPair(t, "0")
	for _, fault := range []struct {
		name        string
		strike, end func()
	}{
		{"killed", p.a.crash, func() { p.a.start() }},
		{"leg down", func() { testnet.Must(t, p.host.Links.SetUp("leg-a", false)) },
			func() { testnet.Must(t, p.host.Links.SetUp("leg-a", true)) }},
	} {
		fault.strike()
		p.b.hasDuty("sole", "all", true)
		l.awaits(s)
		from := l.position()
		p.blocks("leg-a")
		fault.end()
		time.Sleep(2 * time.Second)
		heal(t, p.host, nftables.TableFamilyNetdev)
		p.serves(p.a)
		l.awaits(s)
		if missed := l.missed(from, l.position()); missed > 0 {
			t.Errorf("%s: %d packets are missing", fault.name, missed)
		}
	}
}
