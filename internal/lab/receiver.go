package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// listener is one host's socket for one stream. It joins with an ordinary socket option,
// and the host's kernel sends the reports.
type listener struct {
	membership
	fd      int
	joined  time.Time
	since   uint64 // losses are counted only in windows from this tick on
	tally   tally
	dropped uint32 // packets that the kernel dropped because the socket's buffer was full
}

// receiveBuffer holds some seconds of one stream.
const receiveBuffer = 4 << 20

// join opens the socket in the host's namespace and joins the stream.
func join(t *topology, m membership) (*listener, error) {
	l := &listener{membership: m, fd: -1}
	err := t.spaces[hostPart(m.host)].Do(l.open)
	if err != nil {
		if l.fd >= 0 {
			unix.Close(l.fd)
		}
		return nil, fmt.Errorf("join %v: %w", m, err)
	}
	return l, nil
}

func (l *listener) open() (err error) {
	l.fd, err = unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	options := []struct{ level, name, value int }{
		{unix.SOL_SOCKET, unix.SO_REUSEADDR, 1},
		{unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1},
		{unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1},
	}
	for _, o := range options {
		if err := unix.SetsockoptInt(l.fd, o.level, o.name, o.value); err != nil {
			return err
		}
	}
	// Without the privilege the socket gets a smaller buffer; an overflow is counted.
	if unix.SetsockoptInt(l.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
		_ = unix.SetsockoptInt(l.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
	}
	// The socket is bound to the group, so it receives nothing else.
	if err := unix.Bind(l.fd, &unix.SockaddrInet6{Port: dataPort, Addr: l.stream.group.As16()}); err != nil {
		return err
	}
	index, err := interfaceIndex(hostLink)
	if err != nil {
		return err
	}
	l.joined = time.Now()
	if !l.stream.ssm {
		return unix.SetsockoptIPv6Mreq(l.fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP,
			&unix.IPv6Mreq{Multiaddr: l.stream.group.As16(), Interface: uint32(index)})
	}
	req := groupSourceReq(uint32(index), l.stream.group, sourceAddr)
	return unix.SetsockoptString(l.fd, unix.IPPROTO_IPV6, unix.MCAST_JOIN_SOURCE_GROUP, string(req))
}

// groupSourceReq encodes struct group_source_req (RFC 3678, section 5.1.2): the interface, then
// two struct sockaddr_storage, both aligned like a pointer.
func groupSourceReq(index uint32, group, source netip.Addr) []byte {
	const storage, align = 128, unsafe.Sizeof(uintptr(0))
	b := make([]byte, align+2*storage)
	binary.NativeEndian.PutUint32(b, index)
	for i, a := range []netip.Addr{group, source} {
		sa := b[int(align)+i*storage:]
		binary.NativeEndian.PutUint16(sa, unix.AF_INET6)
		copy(sa[8:], a.AsSlice()) // after family, port and flow label
	}
	return b
}

func interfaceIndex(name string) (int, error) {
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return ifi.Index, nil
}

// drain reads all packets that have arrived.
func (l *listener) drain(b *batch) error {
	for {
		n, err := b.receive(l.fd)
		switch {
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
			return nil
		case err != nil:
			return fmt.Errorf("receive %v: %w", l.membership, err)
		}
		for i := range n {
			data, control := b.message(i)
			seq, ok := parsePayload(data)
			if !ok {
				continue
			}
			at, dropped := parseControl(control)
			if dropped != 0 {
				l.dropped = dropped
			}
			l.tally.arrived(seq, at)
		}
		if n < batchSize {
			return nil
		}
	}
}

// audience reads the sockets of all listeners.
type audience struct {
	topo *topology
	stop chan struct{}
	done sync.WaitGroup

	mu        sync.Mutex
	listeners []*listener
	err       error
}

// readInterval is the time between two reads of the sockets. Arrival times are the
// kernel's, so a long interval does not reduce precision, and it takes little CPU from
// the devices.
const readInterval = 20 * time.Millisecond

func newAudience(t *topology) *audience {
	a := &audience{topo: t, stop: make(chan struct{})}
	a.done.Go(a.run)
	return a
}

func (a *audience) run() {
	tick := time.NewTicker(readInterval)
	defer tick.Stop()
	b := newBatch()
	for {
		select {
		case <-a.stop:
			return
		case <-tick.C:
		}
		a.mu.Lock()
		for _, l := range a.listeners {
			if err := l.drain(b); err != nil && a.err == nil {
				a.err = err
			}
		}
		a.mu.Unlock()
	}
}

// add joins a stream and returns its listener.
func (a *audience) add(m membership) (*listener, error) {
	l, err := join(a.topo, m)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	a.listeners = append(a.listeners, l)
	a.mu.Unlock()
	return l, nil
}

// leave closes a listener's socket, so that its host leaves the stream.
func (a *audience) leave(l *listener) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, m := range a.listeners {
		if m == l {
			a.listeners = append(a.listeners[:i:i], a.listeners[i+1:]...)
			unix.Close(l.fd)
			return
		}
	}
}

// look runs f while the list of listeners cannot change.
func (a *audience) look(f func([]*listener)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f(a.listeners)
}

// failure returns the first error of reading, or nil.
func (a *audience) failure() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

// close leaves all streams.
func (a *audience) close() {
	close(a.stop)
	a.done.Wait()
	for _, l := range a.listeners {
		unix.Close(l.fd)
	}
	a.listeners = nil
}
