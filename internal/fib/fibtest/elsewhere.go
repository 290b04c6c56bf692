package fibtest

import (
	"net/netip"
	"slices"
	"time"

	"tandem/internal/device"
)

// longestGap is how long after its first packet a new stream may lose packets.
const longestGap = 50 * time.Millisecond

// flowsAtOnce begins a stream, which the router answers with a route to the second host. It
// fails if a packet is lost that was sent later than longestGap after the first.
func (b *Bed) flowsAtOnce(what string, i int) {
	b.Helper()
	stop := b.stream(i)
	time.Sleep(6 * longestGap)
	sent, received := stop()
	lost := 0
	for packet, at := range sent {
		if at.Sub(sent[1]) > longestGap && !slices.Contains(received[1], packet) {
			lost++
		}
	}
	if lost != 0 {
		b.Errorf("%s: %d packets of %d are lost that were sent later than %v after the first", what, lost, len(sent), longestGap)
	}
	if len(received[0]) != 0 {
		b.Errorf("%s: %d packets arrive at the wrong host", what, len(received[0]))
	}
}

// toSecond answers a stream that arrives on u0 with a route to the second host.
func (b *Bed) toSecond(a arrival) {
	if a.netdev == b.Up.Name {
		b.SetRoutes(device.RouteChange{Source: a.stream.Source, Group: a.stream.Group, Incoming: a.netdev, Outgoing: []string{"d1"}})
	}
}

// answering opens a plane whose router answers each upcall by toSecond.
func (b *Bed) answering() {
	b.Helper()
	b.Open(device.Gate{})
	b.router.answers(b.toSecond)
}

// expectNothingFrom fails if the plane has reported a stream on an interface where streams
// must not arrive.
func (b *Bed) expectNothingFrom(netdev string) {
	b.Helper()
	if told := b.router.arrivals(); slices.ContainsFunc(told, func(a arrival) bool { return a.netdev == netdev }) {
		b.Errorf("told %v", told)
	}
}

// testWrongSide: packets of a stream arrive first on an access interface. They do not delay
// the stream when it arrives upstream.
func testWrongSide(b *Bed) {
	b.answering()
	impostor := b.Impostor(b, 0)
	for range 10 { // more packets than the kernel queues for an unknown stream
		impostor.Send(Stream(0).Group)
	}
	time.Sleep(20 * time.Millisecond)
	b.flowsAtOnce("after packets on the wrong side", 0)
	impostor.Send(Stream(0).Group)
	b.Expect("with packets on the wrong side", 0, atSecond)
	b.expectNothingFrom("d0")
}

// testFloodFromBelow: a host on the access side sends to more and more groups. The plane
// reports none of them, and streams begin and flow as usual.
func testFloodFromBelow(b *Bed) {
	b.answering()
	b.flowsAtOnce("before", 0)
	impostor := b.Impostor(b, 0)
	asked, ended := make(chan struct{}), make(chan int)
	go func() {
		sent := 0
		defer func() { ended <- sent }()
		for ; ; sent++ {
			select {
			case <-asked:
				return
			default:
				impostor.Send(netip.AddrFrom16([16]byte{0xff, 0x1e, 13: byte(sent >> 16), 14: byte(sent >> 8), 15: byte(sent)}))
			}
		}
	}()
	b.flowsAtOnce("a stream that flows", 0)
	b.flowsAtOnce("a stream that begins", 1)
	close(asked)
	if sent := <-ended; sent < 1000 {
		b.Errorf("a flood of %d packets only", sent)
	}
	b.expectNothingFrom("d0")
	b.Expect("after the flood", 1, atSecond)
}

// testUnansweredStream: a stream for which the router had no answer is reported again. So
// it flows as soon as there is an answer.
func testUnansweredStream(b *Bed) {
	b.answering()
	b.router.answers(nil)
	b.Expect("no answer", 0, nowhere)
	b.Eventually("the stream is told", func() bool { return slices.Contains(b.router.arrivals(), arrival{"u0", Stream(0)}) })
	b.router.answers(b.toSecond)
	b.flowsAtOnce("an answer", 0)
}
