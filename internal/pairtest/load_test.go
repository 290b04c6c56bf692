package pairtest

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/testnet"
)

// load is many streams at the same time, each with its own listener. Half of the listeners name
// the source.
type load struct {
	t       *testing.T
	groups  []netip.Addr
	sockets []int
	stop    chan struct{}
	threads sync.WaitGroup

	mu   sync.Mutex
	sent uint32     // packets of every stream
	seen [][]uint16 // how often each packet came, by stream
}

// loadInterval is the time between two packets of a stream.
const loadInterval = 100 * time.Millisecond

// startLoad joins the streams and sends them until the test ends.
func (n *network) startLoad(streams int) *load {
	n.t.Helper()
	l := &load{t: n.t, stop: make(chan struct{}), seen: make([][]uint16, streams)}
	index := n.host.Interface(n.t, bridge).Index
	n.host.In(n.t, func() error {
		for i := range streams {
			group := netip.MustParseAddr(fmt.Sprintf("ff3e::1:%x", i))
			fd, err := openListener(group, index, i%2 == 0)
			if err != nil {
				return err
			}
			l.groups, l.sockets = append(l.groups, group), append(l.sockets, fd)
		}
		return nil
	})
	conn := n.source.UDP(n.t, 0)
	testnet.Must(n.t, conn.SetMulticastInterface(n.source.Interface(n.t, bridge)))
	testnet.Must(n.t, conn.SetMulticastHopLimit(8))
	l.threads.Go(func() {
		l.send(func(group netip.Addr, payload []byte) {
			_, _ = conn.WriteTo(payload, nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(group, testnet.Port)))
		})
	})
	l.threads.Go(l.read)
	n.t.Cleanup(func() {
		close(l.stop)
		l.threads.Wait()
		for _, fd := range l.sockets {
			unix.Close(fd)
		}
	})
	return l
}

// openListener opens a socket that receives one group and nothing else.
func openListener(group netip.Addr, index int, ssm bool) (int, error) {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return fd, err
	}
	// Other sockets may receive another group on the same port.
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return fd, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet6{Port: testnet.Port, Addr: group.As16()}); err != nil {
		return fd, err
	}
	if !ssm {
		return fd, unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP,
			&unix.IPv6Mreq{Multiaddr: group.As16(), Interface: uint32(index)})
	}
	// struct group_source_req (RFC 3678, section 5.1.2)
	req := make([]byte, 8+2*128)
	binary.NativeEndian.PutUint32(req, uint32(index))
	for i, a := range []netip.Addr{group, sourceAddr} {
		sa := req[8+i*128:]
		binary.NativeEndian.PutUint16(sa, unix.AF_INET6)
		copy(sa[8:], a.AsSlice())
	}
	return fd, unix.SetsockoptString(fd, unix.IPPROTO_IPV6, unix.MCAST_JOIN_SOURCE_GROUP, string(req))
}

// send sends the streams in turn, evenly distributed over the interval.
func (l *load) send(packet func(netip.Addr, []byte)) {
	const slices = 100
	tick := time.NewTicker(loadInterval / slices)
	defer tick.Stop()
	for seq := uint32(0); ; seq++ {
		for i := range slices {
			select {
			case <-l.stop:
				return
			case <-tick.C:
			}
			for g := i; g < len(l.groups); g += slices {
				packet(l.groups[g], binary.BigEndian.AppendUint32(nil, seq))
			}
		}
		l.mu.Lock()
		l.sent = seq + 1
		l.mu.Unlock()
	}
}

func (l *load) read() {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	b := make([]byte, 16)
	for {
		select {
		case <-l.stop:
			return
		case <-tick.C:
		}
		l.mu.Lock()
		for i, fd := range l.sockets {
			for {
				n, _, err := unix.Recvfrom(fd, b, 0)
				if err != nil {
					break // no more packets are waiting
				}
				if seq := binary.BigEndian.Uint32(b); n == 4 {
					for uint32(len(l.seen[i])) <= seq {
						l.seen[i] = append(l.seen[i], 0)
					}
					l.seen[i][seq]++
				}
			}
		}
		l.mu.Unlock()
	}
}

// position returns how many packets of each stream were sent.
func (l *load) position() uint32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sent
}

// flows waits until each stream has delivered a packet that was sent after the call.
func (l *load) flows() (from uint32) {
	l.t.Helper()
	from = l.position() + 1
	eventually(l.t, "all streams flow", func() error {
		l.mu.Lock()
		defer l.mu.Unlock()
		for i, seen := range l.seen {
			if uint32(len(seen)) <= from {
				return fmt.Errorf("%s brought %d packets of %d", l.groups[i], len(seen), l.sent)
			}
		}
		return nil
	})
	return from
}

// steady waits until every stream is received. Some begin with an upcall. It returns the number
// of the first packet that may not be lost.
func (l *load) steady() (from uint32) {
	l.t.Helper()
	l.flows()
	return l.position() + 1
}

// judge counts lost packets and duplicates since a position that all streams have
// reached.
func (l *load) judge(from uint32) (missed, twice int) {
	to := l.flows()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, seen := range l.seen {
		for _, times := range seen[from:to] {
			switch {
			case times == 0:
				missed++
			case times > 1:
				twice++
			}
		}
	}
	return missed, twice
}

// unbroken fails if a packet was lost since a position. Duplicates are allowed: while the
// devices cannot communicate, both send what hosts report again.
func (l *load) unbroken(from uint32, what string) {
	l.t.Helper()
	missed, twice := l.judge(from)
	if missed > 0 {
		l.t.Errorf("%s: %d packets missed", what, missed)
	}
	if twice > 0 {
		l.t.Logf("%s: %d packets twice", what, twice)
	}
}
