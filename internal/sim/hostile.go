package sim

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"tandem/internal/device"
	"tandem/internal/mld"
)

// hostileAddr wins every querier election, because it is the lowest address.
var hostileAddr = netip.MustParseAddr("fe80::1")

// attack starts an attacker whose queries reach both devices but not the hosts, because
// its port of the switch is isolated. For the whole run it claims to be the querier, and
// queries streams.
func (w *World) attack() {
	rng := rand.New(rand.NewPCG(w.opts.Seed, 14))
	var next func()
	next = func() {
		q := w.hostileQuery(rng)
		for _, n := range w.nodes {
			if n.legUp() && n.listening() {
				n.handle(&device.MLDReceived{
					Netdev: legName(0),
					Meta:   mld.Meta{Src: hostileAddr, Dst: q.Destination(), HopLimit: 1, RouterAlert: true},
					Packet: &mld.Packet{Type: mld.TypeQuery, Query: q},
				})
			}
		}
		w.after(time.Duration(1+rng.IntN(2000))*time.Millisecond, next)
	}
	w.after(0, next)
}

// hostileQuery returns a query that could end the records of some streams, or keep the
// devices from querying.
func (w *World) hostileQuery(rng *rand.Rand) mld.Query {
	q := mld.Query{Version: 2, Group: netip.IPv6Unspecified(), Robustness: 1 + rng.IntN(7),
		QueryInterval: time.Duration(1+rng.IntN(31744)) * time.Second, MaxResponse: time.Millisecond}
	if s := w.streams[rng.IntN(len(w.streams))]; rng.IntN(4) > 0 {
		q.Group = s.group
		if s.ssm {
			q.Sources = []netip.Addr{s.source}
		}
	}
	if rng.IntN(4) == 0 {
		q.MaxResponse = 8387 * time.Second
	}
	return q
}
