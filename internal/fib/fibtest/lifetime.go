package fibtest

import (
	"maps"
	"os"
	"slices"
	"time"

	"tandem/internal/device"
	"tandem/internal/fib"
	"tandem/internal/linux/inherit"
	"tandem/internal/linux/testnet"
)

// flow sends packets of a stream to the first host. It sends each when the one before has
// arrived, until stop is called. Stop returns the number of packets. It fails if a packet
// was lost or arrived twice.
func (b *Bed) flow(i int) (stop func() int) {
	b.Helper()
	sender := b.Sender(b)
	asked, ended := make(chan struct{}), make(chan int)
	go func() {
		count := 0
		defer func() { ended <- count }()
		for {
			select {
			case <-asked:
				return
			default:
			}
			packet := sender.Send(Stream(i).Group)
			if got, ok := b.hosts[0].Next(5 * time.Second); !ok || got != packet {
				b.Errorf("after %d packets: received %d (%v), want %d", count, got, ok, packet)
				return
			}
			count++
		}
	}()
	return func() int {
		close(asked)
		return <-ended
	}
}

// testHandOver: the successor's plane goes on with the routes, the gate and the counters of
// its predecessor. No packet is lost or arrives twice. A stream that arrives during the
// hand-over is reported to the successor.
func testHandOver(b *Bed) {
	b.listen(0)
	b.listen(1)
	b.openWith(newRouter(), device.Gate{Closed: []string{"d1"}, Exceptions: marked}, fib.Checkpoint{})
	b.setInterfaces(b.Up, b.Down0, b.Down1)
	b.SetRoutes(Route(mark, "d0", "d1"), Route(0, "d0", "d1"))
	b.kind.DropRoute(b, b.Router, Stream(0))
	b.Eventually("a repair is counted", func() bool { return b.State().Repairs.Restored == 1 })

	stopFlow := b.flow(0)
	b.stop()
	left, err := b.plane.HandOver()
	testnet.Must(b, err)
	b.sender.Send(Stream(1).Group)
	time.Sleep(50 * time.Millisecond) // time in which a wrong plane could report the stream
	if told := b.router.arrivals(); slices.Contains(told, arrival{"u0", Stream(1)}) {
		b.Errorf("a plane that has ended tells of %v", told)
	}
	second := newRouter()
	second.wanted = maps.Clone(b.router.wanted)
	b.openWith(second, device.Gate{}, left)
	b.Cleanup(b.close)
	b.Eventually("the stream is told to the successor", func() bool {
		return slices.Contains(second.arrivals(), arrival{"u0", Stream(1)})
	})
	b.setInterfaces(b.Up, b.Down0, b.Down1)
	if packets := stopFlow(); packets < 100 {
		b.Errorf("only %d packets flowed", packets)
	}
	b.Expect("the route and the gate", 0, atFirst)
	b.SetRoutes(Route(1, "d0", "d1"))
	b.eventuallyReaches("a route of the successor", 1, atFirst)
	b.SetGate(device.Gate{Closed: []string{"d0"}, Exceptions: marked})
	b.Expect("a gate of the successor", 0, atSecond)
	state := b.State()
	if state.Repairs.Restored != 1 || state.Gate.Repairs != 0 {
		b.Errorf("counted %+v", state)
	}
	b.kind.DropRoute(b, b.Router, Stream(0))
	b.Eventually("the successor repairs", func() bool { return b.State().Repairs.Restored == 2 })
}

// testUselessCheckpoint: a plane that cannot use a checkpoint closes its files and starts
// without it.
func testUselessCheckpoint(b *Bed) {
	b.listen(0)
	b.listen(1)
	file, err := os.Open(os.DevNull)
	testnet.Must(b, err)
	left := fib.Checkpoint{State: []byte("of another kind"), Files: inherit.Files{{Name: "other", File: file}}}
	b.openWith(newRouter(), device.Gate{Closed: []string{"d0"}, Exceptions: marked}, left)
	b.Cleanup(b.close)
	if _, err := file.Stat(); err == nil {
		b.Error("the file is still open")
	}
	b.setInterfaces(b.Up, b.Down0, b.Down1)
	b.SetRoutes(Route(mark, "d0", "d1"), Route(0, "d0", "d1"))
	b.Expect("begun anew", 0, atSecond)
}

// testOnePlaneAtATime: a second plane in the same namespace is refused, and the first one
// is not changed. When the first one is closed, another plane starts with no state of it.
func testOnePlaneAtATime(b *Bed) {
	b.Open(device.Gate{Closed: []string{"d1"}, Exceptions: marked})
	b.SetRoutes(Route(0, "d0", "d1"))
	if _, err := b.kind.Open(b.Router, newRouter(), device.Gate{}, fib.Checkpoint{}); err == nil {
		b.Fatal("a second plane is open")
	}
	b.Expect("the first is as it was", 0, atFirst)
	b.close()
	b.silent("closed", 0, 0)
	b.openWith(newRouter(), device.Gate{}, fib.Checkpoint{})
	b.setInterfaces(b.Up, b.Down0, b.Down1)
	b.SetRoutes(Route(mark, "d0", "d1"))
	b.Expect("a new plane without the route", 0, nowhere)
	b.SetRoutes(Route(0, "d0", "d1"))
	b.eventuallyReaches("a new plane without the gate", 0, atBoth)
}

// testEnd: when Run has ended, the plane still forwards and accepts changes, but reports
// nothing. When it is closed, nothing passes any more.
func testEnd(b *Bed) {
	b.Open(device.Gate{})
	b.SetRoutes(Route(0, "d0"))
	b.stop()
	b.Expect("after Run", 0, atFirst)
	b.SetRoutes(Route(0, "d1"))
	b.SetGate(device.Gate{Closed: []string{"d0"}, Exceptions: marked})
	b.Expect("changed after Run", 0, atSecond)
	told := len(b.router.arrivals())
	b.Expect("unknown after Run", 1, nowhere)
	b.close()
	b.silent("closed", 0, mark)
	b.silent("closed", 1, mark)
	if list := b.router.arrivals()[told:]; len(list) > 0 {
		b.Errorf("told after Run: %v", list)
	}
}
