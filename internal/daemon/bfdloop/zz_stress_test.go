package bfdloop_test

import (
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"tandem/internal/bfd"
	"tandem/internal/daemon/bfdloop"
	"testing"
	"time"
)

var sink atomic.Pointer[[]byte]

func TestZZStress(t *testing.T) {
	p, _ := strconv.Atoi(os.Getenv("POL"))
	bfdloop.SetPolicy(bfdloop.Priority(p))
	n, _ := strconv.Atoi(os.Getenv("PROCS"))
	runtime.GOMAXPROCS(n)
	busy, _ := strconv.Atoi(os.Getenv("BUSY"))
	secs, _ := strconv.Atoi(os.Getenv("SECS"))
	a, b := newPair(t)
	a.start(single("b", addressA, addressB, 7, 0))
	b.start(single("a", addressB, addressA, 8, 0))
	a.await(bfd.Up)
	b.await(bfd.Up)
	awaitFast(t, a)
	var stop atomic.Bool
	for i := range busy {
		go func() {
			m := map[int]*[]byte{}
			for k := i; !stop.Load(); k++ {
				x := make([]byte, 64+k%1024)
				m[k%50000] = &x
				if k%1000 == 0 {
					sink.Store(&x)
				}
			}
		}()
	}
	time.Sleep(time.Duration(secs) * time.Second)
	stop.Store(true)
	s, u := a.loop.Status(), a.loop.Snapshot()[0]
	s2 := b.loop.Status()
	t.Logf("POL %v %v PROCS %d BUSY %d: maxlate %v %v late %d %d of %d flaps %d %v", s.Priority, s.PriorityError, n, busy, s.MaxLate, s2.MaxLate, s.Late, s2.Late, s.Wakeups, u.Flaps, u.Diagnostic)
}
