package fibtest

import (
	"fmt"
	"sync"
	"time"
)

// reached sends a packet of a stream, then one of the mark. It reports at which hosts the
// first packet arrived before the mark.
func (b *Bed) reached(i int) (at [2]bool) {
	b.Helper()
	packet, end := b.sender.Send(Stream(i).Group), b.sender.Send(Stream(mark).Group)
	for host, r := range b.hosts {
		for got := uint32(0); got != end; {
			var ok bool
			if got, ok = r.Next(5 * time.Second); !ok {
				b.Fatalf("host %d does not get the mark", host)
			}
			if got == packet {
				if at[host] {
					b.Errorf("host %d gets a packet of stream %d twice", host, i)
				}
				at[host] = true
			}
		}
	}
	return at
}

// Expect sends a packet of a stream. It fails unless the packet arrives exactly once at
// each of these hosts, and at no other.
func (b *Bed) Expect(what string, i int, want [2]bool) {
	b.Helper()
	if got := b.reached(i); got != want {
		b.Errorf("%s: a packet of stream %d arrives at the hosts %v, want %v", what, i, got, want)
	}
}

// Eventually waits until holds returns true.
func (b *Bed) Eventually(what string, holds func() bool) {
	b.Helper()
	for end := time.Now().Add(15 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			b.Fatalf("not within 15 s: %s; events: %v", what, b.Events())
		}
	}
}

// eventuallyReaches waits until the packets of a stream arrive at these hosts and no others.
func (b *Bed) eventuallyReaches(what string, i int, want [2]bool) {
	b.Helper()
	b.Eventually(fmt.Sprintf("%s: stream %d at the hosts %v", what, i, want), func() bool { return b.reached(i) == want })
}

// Flow sends packets of a stream, one a millisecond, until the function that it returns is
// called.
func (b *Bed) Flow(i int) (stop func()) {
	b.Helper()
	end := b.stream(i)
	return func() { end() }
}

// stream sends packets of a stream, one a millisecond, until stop is called. stop returns
// the time at which each packet was sent, and the packets that each host has received, in
// order.
func (b *Bed) stream(i int) (stop func() (sent map[uint32]time.Time, received [2][]uint32)) {
	b.Helper()
	sender := b.Sender(b)
	sent, received := make(map[uint32]time.Time), [2][]uint32{}
	asked := make(chan struct{})
	var sending, receiving sync.WaitGroup
	sending.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-asked:
				return
			case <-tick.C:
				at := time.Now()
				sent[sender.Send(Stream(i).Group)] = at
			}
		}
	})
	over := make(chan struct{})
	for host, r := range b.hosts {
		receiving.Go(func() {
			for {
				if packet, ok := r.Next(200 * time.Millisecond); ok {
					received[host] = append(received[host], packet)
					continue
				}
				select {
				case <-over:
					return
				default:
				}
			}
		})
	}
	return func() (map[uint32]time.Time, [2][]uint32) {
		close(asked)
		sending.Wait()
		close(over)
		receiving.Wait()
		return sent, received
	}
}
