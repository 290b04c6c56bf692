package pairtest

import (
	"testing"
	"time"

	"github.com/google/nftables"

	"tandem/internal/linux/testnet"
)

// blocks makes the switch forward nothing on a leg, both ways, as a port does that has
// carrier and is still learning.
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

// TestPortForwardsLate: the port of the switch has carrier two seconds before it forwards,
// when a device that was restarted raises its leg again and when a cable comes back. The peer
// sends until the leg has shown to work.
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
