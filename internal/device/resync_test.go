package device

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"tandem/internal/mld"
	"tandem/internal/rbs"
)

// BenchmarkResync measures what a device that has nothing costs both ends, of a
// million records: without sockets and on one core.
func BenchmarkResync(b *testing.B) {
	const groups, hosts = 1000, 1000
	full := newRig(b)
	for h := range hosts {
		p := &mld.Packet{Type: mld.TypeReportV2}
		for g := range groups {
			p.Records = append(p.Records, mld.GroupRecord{Type: mld.ChangeToExclude, Group: groupOf(g)})
		}
		full.handle(&MLDReceived{Netdev: "eth-trunk10", Packet: p,
			Meta: mld.Meta{Src: hostOf(h), Dst: mld.AllMLDv2Routers, HopLimit: 1, RouterAlert: true}})
	}
	full.pass(time.Minute) // so that no listener is new any more
	for conn := rbs.ConnID(1); b.Loop(); conn++ {
		records, size := connect(full, newPeer(b), conn)
		b.ReportMetric(float64(records), "records")
		b.ReportMetric(float64(size), "bytes")
	}
}

// connect lets two rigs synchronise and returns what went through.
func connect(a, b *rig, conn rbs.ConnID) (records int, size int) {
	ends := [2]*rig{a, b}
	var queues [2][][]byte
	handle := func(i int, ev Event) {
		ends[i].dev.Handle(ends[i].now, ev)
	}
	collect := func(i int) {
		for _, ch := range ends[i].dev.Effects().Channels {
			for _, s := range ch.Send {
				if s.Conn != conn {
					continue // the one before
				}
				queues[i] = append(queues[i], bytes.Clone(s.Bytes))
			}
		}
	}
	handle(0, ChannelAccepted{Service: "rbs1", Conn: conn, From: netip.MustParseAddr("2001:db8::b")})
	handle(1, ChannelDialled{Service: "rbs1", Conn: conn})
	for idle := 0; idle < 2; {
		idle++
		for i := range ends {
			ends[i].now += time.Millisecond
			ends[i].dev.Advance(ends[i].now)
			collect(i)
			for len(queues[i]) > 0 {
				chunk := queues[i][0]
				queues[i] = queues[i][1:]
				size += len(chunk)
				idle = 0
				handle(1-i, ChannelReceived{Service: "rbs1", Conn: conn, Bytes: chunk})
				handle(i, ChannelWritten{Service: "rbs1", Conn: conn})
				collect(1 - i)
				collect(i)
			}
		}
	}
	s := b.dev.Snapshot(b.now, time.Time{})
	if !s.Services[0].InSync {
		panic(fmt.Sprintf("%+v", s.Services[0]))
	}
	return s.Profiles[0].Records, size
}
