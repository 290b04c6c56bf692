package pairtest

import (
	"fmt"
	"net/netip"
	"sync"

	"tandem/internal/linux/packet"
	"tandem/internal/linux/testnet"
	"tandem/internal/mld"
)

// router receives the reports that the devices send upstream, as a router there would.
type router struct {
	mu sync.Mutex
	// wanted holds, for a device's link-local address and a group, whether the device's
	// last report wants the group.
	wanted map[reporter]bool
}

type reporter struct{ host, group netip.Addr }

// listenUpstream starts to hear reports.
func (n *network) listenUpstream() *router {
	n.t.Helper()
	var conn *packet.Conn
	n.source.In(n.t, func() (err error) {
		conn, err = packet.Open()
		return err
	})
	testnet.Must(n.t, conn.Join(n.source.Interface(n.t, bridge).Index))
	r := &router{wanted: make(map[reporter]bool)}
	ended := make(chan struct{})
	n.t.Cleanup(func() { conn.Close(); <-ended })
	go func() {
		defer close(ended)
		batch := make([]packet.Message, packet.BatchSize)
		var p mld.Packet
		for {
			count, err := conn.Read(batch)
			if err != nil {
				return // the socket was closed at the end of the test
			}
			for _, m := range batch[:count] {
				if p.Parse(m.Payload) == nil && p.Type == mld.TypeReportV2 {
					r.heard(m.Src.WithZone(""), p.Records)
				}
			}
		}
	}()
	return r
}

// heard stores the latest report of the host on each group.
func (r *router) heard(host netip.Addr, records []mld.GroupRecord) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rec := range records {
		wants := true
		switch rec.Type {
		case mld.ChangeToInclude, mld.ModeIsInclude:
			wants = len(rec.Sources) > 0
		case mld.BlockOldSources:
			wants = false
		}
		r.wanted[reporter{host, rec.Group}] = wants
	}
}

// knows waits until a device has reported that it wants groups, or that it does not.
func (r *router) knows(d *device, want bool, groups ...netip.Addr) {
	d.t.Helper()
	host := testnet.AwaitLinkLocal(d.t, d.Node, upLink).LinkLocal.WithZone("")
	eventually(d.t, fmt.Sprintf("device %s wants %v upstream: %v", d.name, groups, want), func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, g := range groups {
			if told, ok := r.wanted[reporter{host, g}]; !ok || told != want {
				return fmt.Errorf("%s: told %v, wanted %v", g, ok, told)
			}
		}
		return nil
	})
}
