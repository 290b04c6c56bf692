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

// BenchmarkResync measures what a synchronisation of a million records costs both
// ends, without sockets and on one core.
func BenchmarkResync(b *testing.B) {
	const groups, hosts = 1000, 1000
	full := newRig(b)
	hear := func(hosts int) {
		for h := range hosts {
			p := &mld.Packet{Type: mld.TypeReportV2}
			for g := range groups {
				p.Records = append(p.Records, mld.GroupRecord{Type: mld.ModeIsExclude, Group: groupOf(g)})
			}
			full.handle(&MLDReceived{Netdev: "eth-trunk10", Packet: p,
				Meta: mld.Meta{Src: hostOf(h), Dst: mld.AllMLDv2Routers, HopLimit: 1, RouterAlert: true}})
		}
	}
	hear(hosts)
	full.pass(time.Minute) // so that no listener counts as new
	conn := rbs.ConnID(1)
	b.Run("whole", func(b *testing.B) {
		for ; b.Loop(); conn++ {
			records, size := connect(full, newPeer(b), conn)
			b.ReportMetric(float64(records), "records")
			b.ReportMetric(float64(size), "bytes")
		}
	})
	b.Run("1 % differing", func(b *testing.B) {
		peer := newPeer(b)
		connect(full, peer, conn)
		for b.Loop() {
			b.StopTimer()
			for _, r := range []*rig{full, peer} {
				r.handle(ChannelClosed{Service: "rbs1", Conn: conn, Reason: "cut"})
				r.pass(6 * time.Second) // until the next dial
			}
			hear(hosts / 100)
			conn++
			b.StartTimer()
			_, size := connect(full, peer, conn)
			b.ReportMetric(float64(size), "bytes")
		}
	})
}

// connect makes two rigs synchronise. It returns the number of records, and of bytes, on
// the connection.
func connect(a, b *rig, conn rbs.ConnID) (records int, size int) {
	w := dial(a, b, conn)
	for idle := 0; idle < 2; idle++ {
		if n := w.step(); n > 0 {
			size += n
			idle = -1
		}
	}
	s := b.dev.Snapshot(b.now, time.Time{})
	if !s.Services[0].InSync {
		panic(fmt.Sprintf("%+v", s.Services[0]))
	}
	return s.Profiles[0].Records, size
}

// wire is a connection between the services of two rigs.
type wire struct {
	ends   [2]*rig
	conn   rbs.ConnID
	queues [2][][]byte // bytes that each end has sent
}

func dial(a, b *rig, conn rbs.ConnID) *wire {
	w := &wire{ends: [2]*rig{a, b}, conn: conn}
	w.handle(0, ChannelAccepted{Service: "rbs1", Conn: conn, From: netip.MustParseAddr("2001:db8::b")})
	w.handle(1, ChannelDialled{Service: "rbs1", Conn: conn})
	return w
}

func (w *wire) handle(i int, ev Event) {
	w.ends[i].dev.Handle(w.ends[i].now, ev)
	w.collect(i)
}

func (w *wire) collect(i int) {
	for _, ch := range w.ends[i].dev.Effects().Channels {
		for _, s := range ch.Send {
			if s.Conn == w.conn { // not for an earlier connection
				w.queues[i] = append(w.queues[i], bytes.Clone(s.Bytes))
			}
		}
	}
}

// step lets a millisecond pass and returns how many bytes were delivered.
func (w *wire) step() (size int) {
	for i, end := range w.ends {
		end.now = end.now.Add(time.Millisecond)
		end.dev.Advance(end.now)
		w.collect(i)
		for len(w.queues[i]) > 0 {
			chunk := w.queues[i][0]
			w.queues[i] = w.queues[i][1:]
			size += len(chunk)
			w.handle(1-i, ChannelReceived{Service: "rbs1", Conn: w.conn, Bytes: chunk})
			w.handle(i, ChannelWritten{Service: "rbs1", Conn: w.conn})
		}
	}
	return size
}

// BenchmarkChanges measures the cost, at both ends, of a refresh that one device receives
// and replicates to the other, in chunks of 50.
func BenchmarkChanges(b *testing.B) {
	const groups, turn = 10_000, 50
	heard := newRig(b)
	w := dial(heard, newPeer(b), 1)
	events := make([]MLDReceived, groups)
	for i := range events {
		events[i] = MLDReceived{
			Netdev: "eth-trunk10",
			Meta:   mld.Meta{Src: hostOf(i % 100), Dst: mld.AllMLDv2Routers, HopLimit: 1, RouterAlert: true},
			Packet: &mld.Packet{Type: mld.TypeReportV2, Records: []mld.GroupRecord{{Type: mld.ModeIsExclude, Group: groupOf(i)}}},
		}
	}
	next := 0
	change := func() {
		for range turn {
			heard.dev.Handle(heard.now, &events[next%groups])
			next++
		}
		w.collect(0)
		w.step()
	}
	for range groups / turn {
		change()
	}
	b.ReportAllocs()
	for b.Loop() {
		change()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*turn), "ns/change")
}
