package fibtest

import (
	"time"

	"tandem/internal/device"
)

// testStreamsSeen: the plane reports when a routed stream begins to flow and when it
// becomes silent, and it answers LookAt. It does not report streams that nobody wants, or
// that arrive on another interface.
func testStreamsSeen(b *Bed) {
	b.Open(device.Gate{})
	b.SetRoutes(Route(0, "d0"), Route(1))
	impostor := b.Impostor(b, 1)
	wanted := Stream(0)
	send := func() {
		b.sender.Send(wanted.Group)
		b.sender.Send(Stream(1).Group)
		impostor.Send(Stream(2).Group)
	}
	b.eventuallySeen("a stream that begins", send, func(s device.StreamSight) bool { return s.Flows && s.Packets > 0 })
	began := time.Now()
	ask := func() { b.InTurn(func() { b.plane.LookAt([]device.SourceGroup{wanted}, nil) }) }
	b.eventuallySeen("a stream that flows, asked", func() { send(); ask() }, func(s device.StreamSight) bool {
		return s.Flows && s.Packets > 20 && s.Age < 100*time.Millisecond
	})
	b.eventuallySeen("a stream that falls silent", nil, func(s device.StreamSight) bool {
		return !s.Flows && s.Age > 20*time.Millisecond && s.Age <= time.Since(began)
	})
	b.eventuallySeen("a stream that is silent, asked", ask, func(s device.StreamSight) bool { return !s.Flows })
	b.SetRoutes(device.RouteChange{Source: wanted.Source, Group: wanted.Group, Delete: true})
	time.Sleep(100 * time.Millisecond)
	b.router.seen()
	for range 100 {
		send()
		time.Sleep(time.Millisecond)
	}
	if sights, watched := b.router.seen(); len(sights) > 0 || !watched {
		b.Errorf("streams that nobody wants: %+v, watched %v", sights, watched)
	}
}

// eventuallySeen repeats do until the plane has reported the one watched stream as want
// requires.
func (b *Bed) eventuallySeen(what string, do func(), want func(device.StreamSight) bool) {
	b.Helper()
	var last device.StreamSight
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if do != nil {
			do()
		}
		sights, _ := b.router.seen()
		for _, s := range sights {
			if last = s; s.SourceGroup != Stream(0) {
				b.Fatalf("%s: %+v is told, which nobody wants or which comes in elsewhere", what, s)
			}
			if want(s) {
				return
			}
		}
	}
	b.Fatalf("%s: told last %+v", what, last)
}
