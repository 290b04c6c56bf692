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

// Every packet has its sequence number and its send time in Unix nanoseconds, both big endian.
// The sequence number counts the ticks of the source. All streams have the same number at the
// same tick.
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
	to     atomic.Pointer[[]unix.Sockaddr]
	paused atomic.Bool
	next   atomic.Uint64 // sequence number of the next tick
	failed atomic.Uint64 // packets that the kernel refused
	stop   atomic.Bool
	done   sync.WaitGroup

	mu    sync.Mutex
	stood []standstill
}

// standstill is a tick that came late. While the source is late, it does not send, so a gap of
// the devices would not be measured. Therefore late ticks are recorded.
type standstill struct {
	seq  uint64
	late time.Duration
}

// tolerance is how late a tick may be without being recorded.
const tolerance = 2 * time.Millisecond

// spareProcs is more than the number of other goroutines that are busy at the same time.
const spareProcs = 6

// hopLimit is enough for more than one router.
const hopLimit = 8

// startSource starts to send to the given groups.
func startSource(t *topology, groups []netip.Addr) (*source, error) {
	s := &source{fd: -1}
	err := t.spaces["src"].Do(func() error { return s.open() })
	if err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	s.sends(groups)
	// When the thread wakes up, no processor slot (P) of the runtime may be missing because a
	// thread without its priority holds it.
	runtime.GOMAXPROCS(runtime.NumCPU() + spareProcs)
	s.done.Go(s.run)
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

// sends sets the groups to which the source sends from the next tick on.
func (s *source) sends(groups []netip.Addr) {
	to := make([]unix.Sockaddr, len(groups))
	for i, g := range groups {
		to[i] = &unix.SockaddrInet6{Port: dataPort, Addr: g.As16()}
	}
	s.to.Store(&to)
}

// run sends at fixed times. Late ticks are sent at once, so the rate is kept and no sequence
// number is missing.
func (s *source) run() {
	runtime.LockOSThread() // never unlocked, so that the thread and its priority end with the goroutine
	if !pace.emulated() {  // in an emulated machine a real-time thread would leave the others no processor
		preferThread()
	}
	var b [payloadLen]byte
	due := clock.Monotonic()
	for !s.stop.Load() {
		if s.paused.Load() {
			clock.Sleep(packetInterval)
			due = clock.Monotonic()
			continue
		}
		clock.SleepUntil(due)
		seq := s.next.Load()
		if late := clock.Monotonic() - due; late > tolerance {
			s.note(standstill{seq, late})
		}
		putPayload(b[:], seq, time.Now())
		for _, a := range *s.to.Load() {
			if err := unix.Sendto(s.fd, b[:], 0, a); err != nil {
				s.failed.Add(1)
			}
		}
		s.next.Store(seq + 1)
		due += packetInterval
	}
}

// preferThread gives the thread a real-time priority if that is permitted, because a real
// source is a separate machine.
func preferThread() {
	attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1}
	_ = unix.SchedSetAttr(0, &attr, 0)
}

func (s *source) note(st standstill) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stood = append(s.stood, st)
}

// standstill returns the longest delay of the source in a window.
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

// position returns the sequence number of the next tick.
func (s *source) position() uint64 { return s.next.Load() }

// close ends the sending.
func (s *source) close() {
	s.stop.Store(true)
	s.done.Wait()
	unix.Close(s.fd)
}
