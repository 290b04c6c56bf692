package bfdloop_test

import (
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"tandem/internal/bfd"
	"tandem/internal/daemon/bfdloop"
	"tandem/internal/linux/testnet"
)

// BenchmarkScale runs many sessions between two loops on this machine. It reports, for one
// loop, its share of a processor, its longest delay, and for both how many sessions were lost.
// Run it as
//
//	go test ./internal/daemon/bfdloop -run '^$' -bench Scale -benchtime 10x
//
// Each iteration is one second.
func BenchmarkScale(b *testing.B) {
	for _, c := range []struct {
		sessions int
		interval time.Duration
	}{
		{64, 10 * time.Millisecond},
		{1000, 50 * time.Millisecond},
	} {
		b.Run(fmt.Sprintf("%dx%v", c.sessions, c.interval), func(b *testing.B) { scale(b, c.sessions, c.interval) })
	}
}

func scale(b *testing.B, sessions int, interval time.Duration) {
	x, y := newPair(b, bfdloop.SelfHelper())
	xs, ys := many(b, x, y, sessions, interval)
	x.start(xs...)
	y.start(ys...)
	awaitAll(b, x, interval*multiplier)
	awaitAll(b, y, interval*multiplier)
	lost := func() (n uint64) {
		for _, e := range []*end{x, y} {
			for _, s := range e.loop.Snapshot() {
				n += s.Flaps
			}
		}
		return n
	}
	before, cpu := x.loop.Status(), cpuTime(b, x.loop.Status().HelperPID)
	lostBefore, began := lost(), time.Now()
	b.ResetTimer()
	for range b.N {
		time.Sleep(time.Second)
	}
	took := time.Since(began)
	after := x.loop.Status()
	used := cpuTime(b, after.HelperPID) - cpu
	b.ReportMetric(100*float64(used)/float64(took), "cpu%")
	b.ReportMetric(float64(after.Counters.Received+after.Counters.Sent-before.Counters.Received-before.Counters.Sent)/took.Seconds(), "packets/s")
	b.ReportMetric(float64(after.MaxLate)/float64(time.Millisecond), "max-late-ms")
	b.ReportMetric(float64(after.Late-before.Late), "late")
	b.ReportMetric(float64(lost()-lostBefore), "lost")
	b.ReportMetric(0, "ns/op")
}

// many configures n sessions between new addresses of the two ends.
func many(b *testing.B, x, y *end, n int, interval time.Duration) (xs, ys []bfd.Config) {
	b.Helper()
	const perAddress = 32 // each address of x has a session with each of y
	address := func(end byte, i int) netip.Addr {
		a := [16]byte{0x20, 1, 0xd, 0xb8, 0xb, 0xfd, end, 15: byte(i)}
		return netip.AddrFrom16(a)
	}
	for i := range max(perAddress, (n+perAddress-1)/perAddress) {
		for side, e := range map[byte]*end{1: x, 2: y} {
			testnet.Must(b, e.Links.AddAddress("bfd0", netip.PrefixFrom(address(side, i), 32)))
		}
	}
	for i := range n {
		ax, ay, d := address(1, i/perAddress), address(2, i%perAddress), uint32(i+1)
		cx, cy := single(fmt.Sprint(i), ax, ay, d, d), single(fmt.Sprint(i), ay, ax, d, d)
		cx.MinTx, cx.MinRx, cy.MinTx, cy.MinRx = interval, interval, interval, interval
		xs, ys = append(xs, cx), append(ys, cy)
	}
	return xs, ys
}

// awaitAll waits until all sessions are Up with the expected detection time.
func awaitAll(t testing.TB, e *end, detect time.Duration) {
	t.Helper()
	up := 0
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		states := e.loop.Snapshot()
		up = 0
		for _, s := range states {
			if s.State == bfd.Up && s.DetectTime == detect {
				up++
			}
		}
		if up == len(states) {
			return
		}
	}
	t.Fatalf("%d sessions are up: %+v", up, e.loop.Status())
}

// cpuTime returns the CPU time that a process has used.
func cpuTime(t testing.TB, pid int) time.Duration {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	testnet.Must(t, err)
	_, rest, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	ticks := 0
	for _, f := range fields[11:13] { // utime and stime, in 1/100 s
		n, err := strconv.Atoi(f)
		testnet.Must(t, err)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
