package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"tandem/internal/linux/clock"

	"golang.org/x/sys/unix"
)

// The payload of a packet is only its number. The n-th packet is sent to group n modulo the
// number of groups.
const (
	udpHeader    = 8
	packetNumber = etherHeader + ipv6Header + udpHeader
	packetSize   = packetNumber + 8
)

func streamFrame(dst []byte, group int) []byte {
	start := len(dst)
	a := groupAddr(group)
	dst = ethernet(dst, a)
	dst = ipv6(dst, sourceAddr, a, unix.IPPROTO_UDP, 16)
	dst = append(dst, 0x13, 0x88, 0x13, 0x88, 0, udpHeader+8, 0, 0) // no code verifies the checksum
	dst = append(dst, make([]byte, 8)...)
	setPayloadLength(dst[start:])
	return dst
}

// traffic sends streams to the upstream interfaces of both devices, as a core network does
// that both have joined. It records the packets that leave by both legs.
type traffic struct {
	groups []int
	rate   int // packets a second, of all groups together
	stop   atomic.Bool
	sent   atomic.Int64 // packets 0..sent-1
	late   time.Duration
	done   sync.WaitGroup

	mu   sync.Mutex
	got  []arrived
	errs []error
}

// arrived is one packet that a leg has sent.
type arrived struct {
	number int
	leg    byte  // 0 for the leg of device a, 1 for that of device b
	at     int64 // the kernel's receive time, Unix nanoseconds
}

func (p *pair) stream(groups []int, rate int) (*traffic, error) {
	t := &traffic{groups: groups, rate: rate}
	var out, in [2]*wire
	for i, d := range []string{deviceA, deviceB} {
		var err error
		if out[i], err = p.network.wire(sourceLink(d), false); err != nil {
			return nil, err
		}
		if in[i], err = p.network.wire(hostLink(d), true); err != nil {
			return nil, err
		}
	}
	for leg, w := range in {
		t.done.Go(func() { t.receive(w, byte(leg)) })
	}
	t.done.Go(func() {
		if err := urgent(anyProcessor, func() error { return t.send(out) }); err != nil {
			t.fail(err)
		}
	})
	return t, nil
}

// send sends the packets at a constant rate.
func (t *traffic) send(out [2]*wire) error {
	defer out[0].close()
	defer out[1].close()
	f := &frames{}
	for _, g := range t.groups {
		f.bytes = streamFrame(f.bytes, g)
		f.ends = append(f.ends, len(f.bytes))
	}
	start := time.Now()
	for n := 0; !t.stop.Load(); n++ {
		due := start.Add(time.Duration(n) * time.Second / time.Duration(t.rate))
		if wait := time.Until(due); wait > 0 {
			clock.Sleep(wait)
		} else {
			t.late = max(t.late, -wait)
		}
		i := n % f.len()
		binary.BigEndian.PutUint64(f.at(i)[packetNumber:], uint64(n))
		for _, w := range out {
			if err := w.send(f, i, i+1); err != nil {
				return err
			}
		}
		t.sent.Store(int64(n + 1))
	}
	return nil
}

// receive records packets until some time after the last one was sent.
func (t *traffic) receive(w *wire, leg byte) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer w.close()
	timeout := unix.NsecToTimeval(int64(20 * time.Millisecond))
	if err := unix.SetsockoptTimeval(w.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		t.fail(err)
		return
	}
	for quiet := 0; quiet < 5; {
		n, err := w.receive()
		switch {
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
			if t.stop.Load() {
				quiet++
			}
			continue
		case err != nil:
			t.fail(err)
			return
		}
		t.mu.Lock()
		for i := range n {
			b := w.data[i][:min(int(w.headers[i].length), len(w.data[i]))]
			if len(b) == packetSize && b[etherHeader+6] == unix.IPPROTO_UDP {
				t.got = append(t.got, arrived{int(binary.BigEndian.Uint64(b[packetNumber:])), leg, w.receivedAt(i)})
			}
		}
		t.mu.Unlock()
	}
}

func (t *traffic) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.errs = append(t.errs, err)
}

// end stops the sending. It returns the packets that arrived, in the order in which they
// were read.
func (t *traffic) end() ([]arrived, error) {
	t.stop.Store(true)
	t.done.Wait()
	return t.got, errors.Join(t.errs...)
}

// tally counts how many of the packets from..to-1 were lost or duplicated.
func (t *traffic) tally(got []arrived, from, to int) (lost, duplicates int) {
	seen := make([]uint8, to-from)
	for _, a := range got {
		if a.number >= from && a.number < to {
			seen[a.number-from]++
		}
	}
	for _, n := range seen {
		if n == 0 {
			lost++
		} else {
			duplicates += int(n) - 1
		}
	}
	return lost, duplicates
}

// receive waits for frames and reads those that have arrived.
func (w *wire) receive() (int, error) {
	for i := range w.headers {
		w.vectors[i].Base = &w.data[i][0]
		w.vectors[i].SetLen(len(w.data[i]))
		h := &w.headers[i].header
		h.Control = &w.controls[i][0]
		h.SetControllen(len(w.controls[i]))
	}
	const waitForOne = 0x10000 // MSG_WAITFORONE
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(w.fd), uintptr(unsafe.Pointer(&w.headers[0])), wireBatch, waitForOne, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// receivedAt returns the kernel's receive time of the i-th frame of the last receive.
func (w *wire) receivedAt(i int) int64 {
	b := w.controls[i][:w.headers[i].header.Controllen]
	for len(b) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
		if h.Len < unix.SizeofCmsghdr || h.Len > uint64(len(b)) {
			break
		}
		if h.Level == unix.SOL_SOCKET && h.Type == unix.SO_TIMESTAMPNS && h.Len >= unix.SizeofCmsghdr+16 {
			ts := (*unix.Timespec)(unsafe.Pointer(&b[unix.SizeofCmsghdr]))
			return ts.Nano()
		}
		b = b[min(len(b), unix.CmsgSpace(int(h.Len)-unix.SizeofCmsghdr)):]
	}
	return 0
}

// joinAll makes hosts join groups 0..n-1 and waits until both devices forward them.
func (p *pair) joinAll(r *run, n int) error {
	f := reports(n, n, 100, join)
	if err := r.sustain(p.wire, f, p.queue, p.a.hasTaken(f.len())); err != nil {
		return err
	}
	for _, d := range []string{deviceA, deviceB} {
		look, err := p.mfc(d)
		if err != nil {
			return err
		}
		_, err = look.all(r, 0, n, 30*time.Second)
		look.close()
		if err != nil {
			return fmt.Errorf("device %s: %w", d, err)
		}
	}
	return p.equal(r, n)
}
