package peers

import (
	"net/netip"
	"testing"
	"time"

	"tandem/internal/linux/links"
	"tandem/internal/linux/packet"
	"tandem/internal/linux/testnet"
	"tandem/internal/mld"
)

// TestSnoopingSwitch: a snooping switch sends the reports of hosts to the querier, also if
// the querier's kernel is not a member of the groups that routers listen to.
func TestSnoopingSwitch(t *testing.T) {
	n := newLAN(t, "2", 2, links.BridgeOptions{Snooping: true})
	s := n.serve(t, quick(2))
	s.asked("as the switch must know where the querier is", func(q mld.Query) bool { return q.Group.IsUnspecified() })
	// The kernel drops its memberships.
	n.router.SetMTU(t, "d0", 1200)
	n.router.SetMTU(t, "d0", 1500)
	// After the switch has found a querier, it floods everything for the first response
	// time.
	time.Sleep(quick(2).MaxResponse + 200*time.Millisecond)
	heard := sniff(t, n.hosts[1])

	n.listener(t, 0).join(group)
	s.filter(group, mld.Exclude)
	testnet.Must(t, n.hosts[0].SetSysctl("ipv6/conf/h0/force_mld_version", "1"))
	n.listener(t, 0).join(other)
	s.filter(other, mld.Exclude)
	if heard()[other] {
		t.Error("the switch does not snoop: another host hears an MLDv1 report")
	}
	if restored, err := s.conn.Restore(); restored == 0 || err != nil {
		t.Errorf("restored %d memberships, %v; the kernel was to have dropped them", restored, err)
	}
}

// sniff receives the MLDv1 reports that arrive at a host. The function that it returns ends
// this, and returns the groups of the reports.
func sniff(t *testing.T, host *testnet.Node) func() map[netip.Addr]bool {
	t.Helper()
	var conn *packet.Conn
	host.In(t, func() (err error) {
		conn, err = packet.Open()
		return err
	})
	testnet.Must(t, conn.Join(host.Interface(t, "h0").Index))
	heard := make(chan map[netip.Addr]bool)
	go func() {
		groups := make(map[netip.Addr]bool)
		batch := make([]packet.Message, packet.BatchSize)
		var p mld.Packet
		for {
			count, err := conn.Read(batch)
			if err != nil {
				heard <- groups
				return
			}
			for _, m := range batch[:count] {
				if p.Parse(m.Payload) == nil && p.Type == mld.TypeReportV1 {
					groups[p.Group] = true
				}
			}
		}
	}()
	return func() map[netip.Addr]bool {
		time.Sleep(100 * time.Millisecond) // so that what was sent can arrive
		conn.Close()
		return <-heard
	}
}
