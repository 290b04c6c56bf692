package lab

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"tandem/internal/linux/clock"

	"golang.org/x/sys/unix"
)

// Every packet carries its sequence number and its send time in Unix
// nanoseconds, both big endian. A sequence number is a tick of the source: all
// streams have the same at the same time.
const payloadLen = 16

func putPayload(b []byte, seq uint64, at time.Time) {
	binary.BigEndian.PutUint64(b, seq)
	binary.BigEndian.PutUint64(b[8:], uint64(at.UnixNano()))
}

func parsePayload(b []byte) (seq uint64, ok bool) {
	if len(b) != payloadLen {
		return 0, false
	}
	return binary.BigEndian.Uint64(b), true
}

// source sends one packet to every group at every tick, on a thread of its own.
type source struct {
	fd     int
	next   atomic.Uint64 // sequence number of the next tick
	failed atomic.Uint64 // packets that the kernel did not take
	stop   atomic.Bool
	done   sync.WaitGroup

	mu    sync.Mutex
	stood []standstill
}

// standstill is a tick that came late. A source that stands still hides what
// it did not send from the measurement, so it has to be known.
type standstill struct {
	seq  uint64
	late time.Duration
}

// tolerance is how late a tick may be without being noted.
const tolerance = 2 * time.Millisecond

// spareProcs is more than the goroutines that are ever busy besides the source.
const spareProcs = 6

// hopLimit is enough for one router and more.
const hopLimit = 8

// startSource starts to send to the given groups.
func startSource(t *topology, groups []netip.Addr) (*source, error) {
	s := &source{fd: -1}
	err := t.spaces["src"].Do(func() error { return s.open() })
	if err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	to := make([]unix.Sockaddr, len(groups))
	for i, g := range groups {
		to[i] = &unix.SockaddrInet6{Port: dataPort, Addr: g.As16()}
	}
	// Back from its sleep, the thread must not wait for one of the runtime's
	// slots that a thread without its priority holds.
	runtime.GOMAXPROCS(runtime.NumCPU() + spareProcs)
	s.done.Go(func() { s.run(to) })
	return s, nil
}

func (s *source) open() (err error) {
	s.fd, err = unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	index, err := interfaceIndex(hostLink)
	if err != nil {
		return err
	}
	for opt, v := range map[int]int{
		unix.IPV6_MULTICAST_IF: index, unix.IPV6_MULTICAST_HOPS: hopLimit, unix.IPV6_MULTICAST_LOOP: 0,
	} {
		if err := unix.SetsockoptInt(s.fd, unix.IPPROTO_IPV6, opt, v); err != nil {
			return err
		}
	}
	return unix.Bind(s.fd, &unix.SockaddrInet6{Addr: sourceAddr.As16()})
}

// run sends on an absolute schedule: a tick that comes late is made up for, so
// that the rate is kept and no sequence number is left out.
func (s *source) run(to []unix.Sockaddr) {
	runtime.LockOSThread() // never unlocked: the thread ends with its priority
	if !pace.emulated() {  // whose processors it would take for itself
		preferThread()
	}
	var b [payloadLen]byte
	due := clock.Monotonic()
	for !s.stop.Load() {
		clock.SleepUntil(due)
		seq := s.next.Load()
		if late := clock.Monotonic() - due; late > tolerance {
			s.note(standstill{seq, late})
		}
		putPayload(b[:], seq, time.Now())
		for _, a := range to {
			if err := unix.Sendto(s.fd, b[:], 0, a); err != nil {
				s.failed.Add(1)
			}
		}
		s.next.Store(seq + 1)
		due += packetInterval
	}
}

// preferThread lets the thread run ahead of all others where that is permitted:
// it stands for a machine of its own.
func preferThread() {
	attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1}
	_ = unix.SchedSetAttr(0, &attr, 0)
}

func (s *source) note(st standstill) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stood = append(s.stood, st)
}

// standstill is the longest that the source stood still in a window.
func (s *source) standstill(w window) (longest time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.stood {
		if st.seq >= w.from && st.seq < w.to {
			longest = max(longest, st.late)
		}
	}
	return longest
}

// position is the sequence number of the next tick.
func (s *source) position() uint64 { return s.next.Load() }

// close ends the sending.
func (s *source) close() {
	s.stop.Store(true)
	s.done.Wait()
	unix.Close(s.fd)
}
