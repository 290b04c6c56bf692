package pairtest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"

	"tandem/internal/linux/testnet"
)

// streamInterval is the time between two packets of the source.
const streamInterval = 2 * time.Millisecond

// source sends numbered packets to its groups, in turn, until the test ends.
type source struct {
	mu   sync.Mutex
	seq  uint32
	done chan struct{}
}

func (n *network) stream(groups ...netip.Addr) *source {
	n.t.Helper()
	conn := n.source.UDP(n.t, 0)
	testnet.Must(n.t, conn.SetMulticastInterface(n.source.Interface(n.t, bridge)))
	testnet.Must(n.t, conn.SetMulticastHopLimit(8))
	s := &source{done: make(chan struct{})}
	ended := make(chan struct{})
	n.t.Cleanup(func() { close(s.done); <-ended })
	go func() {
		defer close(ended)
		tick := time.NewTicker(streamInterval)
		defer tick.Stop()
		for {
			select {
			case <-s.done:
				return
			case <-tick.C:
				s.send(conn, groups)
			}
		}
	}()
	return s
}

// send sends the next number to every group.
func (s *source) send(conn *ipv6.PacketConn, groups []netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	payload := binary.BigEndian.AppendUint32(nil, s.seq)
	for _, g := range groups {
		// A full queue loses the packet; the next numbers show that.
		_, _ = conn.WriteTo(payload, nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(g, testnet.Port)))
	}
}

// position is the number of the packet sent last.
func (s *source) position() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seq
}

// listener is a socket of the host that has joined one group.
type listener struct {
	t     *testing.T
	group netip.Addr
	conn  *ipv6.PacketConn
	iface *net.Interface

	mu         sync.Mutex
	seen       map[uint32]int
	last       uint32
	duplicates int
}

// join joins a group at the host, only for one source if source is valid.
func (n *network) join(group, source netip.Addr) *listener {
	n.t.Helper()
	l := &listener{t: n.t, group: group, iface: n.host.Interface(n.t, bridge), seen: make(map[uint32]int)}
	l.conn = n.hostSocket(group)
	if source.IsValid() {
		testnet.Must(n.t, l.conn.JoinSourceSpecificGroup(l.iface, udpAddr(group), udpAddr(source)))
	} else {
		testnet.Must(n.t, l.conn.JoinGroup(l.iface, udpAddr(group)))
	}
	go l.read()
	return l
}

// hostSocket opens a socket of the host for a group. The library binds the sockets of all
// groups to the same address, so each receives the packets of all groups.
func (n *network) hostSocket(group netip.Addr) *ipv6.PacketConn {
	n.t.Helper()
	var p *ipv6.PacketConn
	n.host.In(n.t, func() error {
		at := netip.AddrPortFrom(group, testnet.Port)
		c, err := (&net.ListenConfig{Control: roomy}).ListenPacket(n.t.Context(), "udp6", at.String())
		if err == nil {
			p = ipv6.NewPacketConn(c)
			n.t.Cleanup(func() { p.Close() })
			err = p.SetControlMessage(ipv6.FlagDst, true)
		}
		return err
	})
	return p
}

// roomy gives a socket a buffer for several seconds. The default holds 256 small packets. Both
// devices send that many of two streams in 128 ms, and a reader on a busy machine may be later
// than that.
func roomy(_, _ string, raw syscall.RawConn) (err error) {
	failed := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20)
	})
	return errors.Join(failed, err)
}

func udpAddr(a netip.Addr) *net.UDPAddr { return &net.UDPAddr{IP: a.AsSlice()} }

func (l *listener) read() {
	b := make([]byte, 16)
	for {
		n, control, _, err := l.conn.ReadFrom(b)
		if err != nil {
			return // the socket was closed at the end of the test, or by leave
		}
		if n == 4 && control != nil && control.Dst.Equal(l.group.AsSlice()) {
			l.heard(binary.BigEndian.Uint32(b))
		}
	}
}

func (l *listener) heard(seq uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen[seq]++; l.seen[seq] > 1 {
		l.duplicates++
	}
	l.last = max(l.last, seq)
}

// leave closes the socket, so that the host leaves the group.
func (l *listener) leave() { l.conn.Close() }

// position returns the highest number that has arrived.
func (l *listener) position() uint32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// awaits waits until a packet arrives that was sent after the call.
func (l *listener) awaits(s *source) {
	l.t.Helper()
	mark := s.position()
	eventually(l.t, fmt.Sprintf("the host receives %s", l.group), func() error {
		if last := l.position(); last <= mark {
			return fmt.Errorf("packet %d sent, %d was the last to arrive", s.position(), last)
		}
		return nil
	})
}

// silent fails if a packet arrives that was sent after the call. It waits a little for one.
func (l *listener) silent(s *source) {
	l.t.Helper()
	mark := s.position()
	time.Sleep(100 * time.Millisecond)
	if last := l.position(); last > mark+1 {
		l.t.Errorf("%s still arrives: packet %d, %d had been sent", l.group, last, mark)
	}
}

// missed counts the packets of [from, to] that have not arrived. It waits a little for the last
// ones, which may still be under way.
func (l *listener) missed(from, to uint32) (n int) {
	for deadline := time.Now().Add(time.Second); l.position() < to && time.Now().Before(deadline); {
		time.Sleep(pollInterval)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for seq := from; seq <= to; seq++ {
		if l.seen[seq] == 0 {
			n++
		}
	}
	return n
}

// copies counts how many copies of the packets of [from, to] have arrived.
func (l *listener) copies(from, to uint32) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for seq := from; seq <= to; seq++ {
		n += l.seen[seq]
	}
	return n
}
