package mldio_test

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"tandem/internal/daemon/mldio"
	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/linux/inherit"
	"tandem/internal/linux/links"
	"tandem/internal/linux/testnet"
	"tandem/internal/mld"
)

// router records what the socket reports. It implements [mldio.Router].
type router struct {
	names map[int]string

	mu     sync.Mutex
	heard  []heard
	failed []string // names of the events
}

// heard is a decoded message, reduced to what the tests compare.
type heard struct {
	netdev string
	typ    mld.Type
	group  netip.Addr // of the first record of a report, or of the message
}

func (r *router) Receive(events []device.Event, readAt time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ev := range events {
		switch ev := ev.(type) {
		case *device.MLDReceived:
			h := heard{ev.Netdev, ev.Packet.Type, ev.Packet.Group}
			if len(ev.Packet.Records) > 0 {
				h.group = ev.Packet.Records[0].Group
			}
			r.heard = append(r.heard, h)
		case device.MLDMalformed:
			r.heard = append(r.heard, heard{netdev: ev.Netdev})
		}
	}
	if late := time.Since(readAt); late < 0 || late > time.Minute {
		r.failed = append(r.failed, "read "+late.String()+" ago")
	}
	return true
}

func (r *router) Name(index int) string { return r.names[index] }

func (r *router) Emit(e event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = append(r.failed, e.Name)
}

func (r *router) has(h heard) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Contains(r.heard, h)
}

// bed is a router between two hosts, and its socket.
type bed struct {
	*testing.T
	*testnet.Net
	router *router
	socket *mldio.Socket
	stop   func() // ends Run and waits for that
}

func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{T: t, Net: testnet.New(t)}
	b.router = &router{names: make(map[int]string)}
	for _, l := range []links.Link{b.Up, b.Down0, b.Down1} {
		b.router.names[l.Index] = l.Name
	}
	b.Router.In(t, func() (err error) {
		b.socket, err = mldio.Open(b.router)
		return err
	})
	b.run()
	t.Cleanup(func() {
		b.socket.Close()
		b.stop()
		if len(b.router.failed) > 0 {
			t.Errorf("events: %v", b.router.failed)
		}
	})
	return b
}

func (b *bed) run() {
	ctx, cancel := context.WithCancel(context.Background())
	var runs sync.WaitGroup
	for _, run := range []func(context.Context) error{b.socket.Run, b.socket.Tend} {
		runs.Go(func() {
			if err := run(ctx); err != nil {
				b.Error(err)
			}
		})
	}
	b.stop = func() {
		b.Helper()
		cancel()
		ended := make(chan struct{})
		go func() { runs.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			b.Fatal("Run and Tend do not end")
		}
	}
}

func (b *bed) await(h heard) {
	b.Helper()
	for end := time.Now().Add(10 * time.Second); !b.router.has(h); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			b.Fatalf("%+v was not heard of %+v", h, b.router.heard)
		}
	}
}

func group(i byte) netip.Addr { return netip.AddrFrom16([16]byte{0xff, 0x3e, 12: 0x80, 15: i}) }

// report is the message that a Linux host sends when it joins a group.
func report(netdev string, i byte) heard { return heard{netdev, mld.TypeReportV2, group(i)} }

// TestInterfaces: reports are received on the configured interfaces, and on no others.
func TestInterfaces(t *testing.T) {
	b := newBed(t)
	first, second := b.Receiver(t, 0), b.Receiver(t, 1)
	testnet.Must(t, b.socket.SetInterfaces([]int{b.Down0.Index}))
	second.Join(group(1))
	first.Join(group(1))
	b.await(report("d0", 1))
	if b.router.has(report("d1", 1)) { // the host will repeat it
		t.Error("a report was heard on d1, which was not told")
	}
	testnet.Must(t, b.socket.SetInterfaces([]int{b.Down0.Index, b.Down1.Index}))
	second.Join(group(2))
	b.await(report("d1", 2))
	testnet.Must(t, b.socket.SetInterfaces([]int{b.Down1.Index}))
	first.Join(group(3))
	second.Join(group(3))
	b.await(report("d1", 3))
	if b.router.has(report("d0", 3)) {
		t.Error("a report was heard on d0, which was told no more")
	}
	if err := b.socket.SetInterfaces([]int{b.Down1.Index, 60000}); err == nil {
		t.Error("an interface that does not exist is accepted")
	}
	first.Join(group(4))
	second.Join(group(4))
	b.await(report("d1", 4))
}

// TestSend: a host answers a query that is sent to it. It does so only if the query leaves by
// the right interface, from a link-local address and with hop limit 1.
func TestSend(t *testing.T) {
	b := newBed(t)
	host := b.Receiver(t, 1)
	host.Join(group(1))
	time.Sleep(1500 * time.Millisecond) // until the host no longer sends unsolicited reports
	testnet.Must(t, b.socket.SetInterfaces([]int{b.Down1.Index}))
	if b.router.has(report("d1", 1)) {
		t.Fatal("the host reports without being asked")
	}
	query := mld.Query{Version: 2, Group: group(1), MaxResponse: 100 * time.Millisecond, Robustness: 2, QueryInterval: time.Minute}
	m := device.SendMLD{Netdev: "d1", Destination: query.Destination(), Payload: mld.AppendQuery(nil, query), RouterAlert: true}
	testnet.Must(t, b.socket.Send(m, b.Down1.Index, b.Down1.LinkLocal))
	b.await(report("d1", 1))
	if c := b.socket.Counters(); c.Sent != 1 || c.Received == 0 {
		t.Errorf("counted %+v", c)
	}
	if err := b.socket.Send(m, 60000, b.Down1.LinkLocal); err == nil {
		t.Error("sent out of an interface that does not exist")
	}
}

// TestMalformed: a malformed message is reported with the interface on which it arrived.
func TestMalformed(t *testing.T) {
	b := newBed(t)
	testnet.Must(t, b.socket.SetInterfaces([]int{b.Down0.Index, b.Down1.Index}))
	fiveRecords := []byte{byte(mld.TypeReportV2), 0, 0, 0, 0, 0, 0, 5} // and none follows
	from := netip.MustParseAddr("fe80::1")
	p := testnet.Packet{Src: from, Dst: mld.AllMLDv2Routers, HopLimit: 1, Payload: fiveRecords} // its checksum is wrong
	b.Hosts[0].Send(t, "h0", p)
	b.await(heard{netdev: "d0"})
	mld.SetChecksum(from, p.Dst, p.Payload)
	b.Hosts[1].Send(t, "h0", p)
	b.await(heard{netdev: "d1"})
}

// TestMembershipsReturn: the kernel drops memberships while the MTU is too small for IPv6. They
// are restored afterwards, and that is reported.
func TestMembershipsReturn(t *testing.T) {
	b := newBed(t)
	testnet.Must(t, b.socket.SetInterfaces([]int{b.Down0.Index}))
	b.Router.SetMTU(t, "d0", 1200)
	b.Router.SetMTU(t, "d0", 1500)
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		b.router.mu.Lock()
		told := b.router.failed
		if slices.Equal(told, []string{event.MembershipsRestored.Name}) {
			b.router.failed = nil
			b.router.mu.Unlock()
			return
		}
		b.router.mu.Unlock()
		if time.Now().After(end) {
			t.Fatalf("told %v", told)
		}
	}
}

// TestAdoptOther: files that another kind of program has left are not used, and are closed.
func TestAdoptOther(t *testing.T) {
	b := newBed(t)
	b.stop()
	left, joined := b.socket.HandOver()
	left[0], left[1] = inherit.File{Name: left[0].Name, File: left[1].File}, inherit.File{Name: left[1].Name, File: left[0].File}
	for _, files := range []inherit.Files{nil, left, left[:1]} {
		var failed error
		b.Router.In(t, func() error {
			_, failed = mldio.Adopt(b.router, files, joined)
			return nil
		})
		if failed == nil {
			t.Errorf("took %v", files)
		}
	}
}

// TestHandOver: a successor receives on the same interfaces, and gets the messages that
// arrived in between.
func TestHandOver(t *testing.T) {
	b := newBed(t)
	host := b.Receiver(t, 0)
	testnet.Must(t, b.socket.SetInterfaces([]int{b.Down0.Index, b.Down1.Index}))
	host.Join(group(1))
	b.await(report("d0", 1))
	b.stop()
	host.Join(group(2))
	files, joined := b.socket.HandOver()
	if want := []int{b.Down0.Index, b.Down1.Index}; !slices.Equal(joined, want) {
		t.Errorf("heard on %v, want %v", joined, want)
	}
	time.Sleep(50 * time.Millisecond) // a report that comes too early would arrive by then
	if b.router.has(report("d0", 2)) {
		t.Error("a socket that has ended hears")
	}
	b.Router.In(t, func() (err error) {
		b.socket, err = mldio.Adopt(b.router, files, joined)
		return err
	})
	b.run()
	b.await(report("d0", 2))
	testnet.Must(t, b.socket.SetInterfaces(joined))
	host.Join(group(3))
	b.await(report("d0", 3))
}
