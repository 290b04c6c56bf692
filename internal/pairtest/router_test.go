package pairtest

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"

	"tandem/internal/linux/mroute"
	"tandem/internal/linux/testnet"
)

// lone is one device without a peer. It has several sources on one side, and on the other side
// a host on each of two interfaces.
type lone struct {
	*testnet.Net
	t       *testing.T
	device  *device
	sources []netip.Addr
	senders []*ipv6.PacketConn
	wire    [2]*wire
	table   *mroute.Reader
}

// newLone starts the device.
func newLone(t *testing.T) *lone {
	t.Helper()
	t.Parallel()
	n := &lone{Net: testnet.New(t), t: t}
	n.sources = []netip.Addr{testnet.Source}
	for n.sources[len(n.sources)-1].As16()[15] < 0x12 {
		next := n.sources[len(n.sources)-1].Next()
		testnet.Must(t, n.Source.Links.AddAddress("s0", netip.PrefixFrom(next, 64)))
		n.sources = append(n.sources, next)
	}
	for _, s := range n.sources {
		n.senders = append(n.senders, n.sender(s))
	}
	for i := range n.wire {
		n.wire[i] = newWire(t, n.Hosts[i])
	}
	n.Router.In(t, func() (err error) {
		n.table, err = mroute.NewReader(0)
		return err
	})
	t.Cleanup(func() { n.table.Close() })
	n.device = newDevice(t, "router", n.Router)
	n.device.start("system-view", "multicast ipv6 routing-enable",
		"interface u0", "mld proxy", "quit",
		"interface d0", "mld enable", "quit",
		"interface d1", "mld enable", "quit",
		"commit", "return")
	return n
}

func (n *lone) sender(from netip.Addr) *ipv6.PacketConn {
	n.t.Helper()
	var p *ipv6.PacketConn
	n.Source.In(n.t, func() error {
		c, err := new(net.ListenConfig).ListenPacket(context.Background(), "udp6", netip.AddrPortFrom(from, 0).String())
		if err == nil {
			p = ipv6.NewPacketConn(c)
		}
		return err
	})
	n.t.Cleanup(func() { p.Close() })
	testnet.Must(n.t, p.SetMulticastInterface(n.Source.Interface(n.t, "s0")))
	testnet.Must(n.t, p.SetMulticastHopLimit(8))
	return p
}

// send sends one packet of a run from a source, given by its number.
func (n *lone) send(source int, group netip.Addr, run uint32) {
	// A full queue counts as a loss on the way.
	_, _ = n.senders[source].WriteTo(binary.BigEndian.AppendUint32(nil, run), nil,
		net.UDPAddrFromAddrPort(netip.AddrPortFrom(group, testnet.Port)))
}

// entry returns the kernel's entry of one (S,G), by the number of the source.
func (n *lone) entry(source int, group netip.Addr) (*mroute.Entry, error) {
	return n.table.Get(n.sources[source], group)
}

// flow is one stream in one run on one link.
type flow struct {
	source, group netip.Addr
	run           uint32
}

// wire counts the packets of streams that arrive on a host's interface, whether or not a socket
// there wants them.
type wire struct {
	mu   sync.Mutex
	seen map[flow]int
}

func newWire(t *testing.T, host *testnet.Node) *wire {
	t.Helper()
	w := &wire{seen: make(map[flow]int)}
	const ethPIPv6BE = unix.ETH_P_IPV6>>8 | unix.ETH_P_IPV6&0xff<<8
	var fd int
	host.In(t, func() (err error) {
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, ethPIPv6BE)
		return err
	})
	pause := unix.NsecToTimeval(int64(50 * time.Millisecond))
	testnet.Must(t, unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &pause))
	testnet.Must(t, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 8<<20))
	done, ended := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(done); <-ended; unix.Close(fd) })
	go func() {
		defer close(ended)
		b := make([]byte, 2048)
		for {
			select {
			case <-done:
				return
			default:
			}
			if size, _, err := unix.Recvfrom(fd, b, 0); err == nil {
				w.note(b[:size])
			}
		}
	}()
	return w
}

// note counts a packet if it is an IPv6 packet with a UDP datagram to our port.
func (w *wire) note(b []byte) {
	const header, payload = 40, 48
	if len(b) < payload+4 || b[6] != unix.IPPROTO_UDP || binary.BigEndian.Uint16(b[header+2:]) != testnet.Port {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen[flow{
		netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40])), binary.BigEndian.Uint32(b[payload:]),
	}]++
}

func (w *wire) count(f flow) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[f]
}

// membership is a socket of a host in one group.
type membership struct {
	host     int
	group    netip.Addr
	conn     *ipv6.PacketConn
	iface    *net.Interface
	any      bool         // joined for any source except those listed; otherwise only for those
	listed   map[int]bool // the key is the number of the source
	mu       sync.Mutex
	received map[flow]int
}

// join opens a socket in a group, for any source except the listed ones, or only for those.
func (n *lone) join(host int, group netip.Addr, any bool, listed ...int) *membership {
	n.t.Helper()
	m := &membership{host: host, group: group, any: any, listed: make(map[int]bool),
		iface: n.Hosts[host].Interface(n.t, "h0"), received: make(map[flow]int)}
	n.Hosts[host].In(n.t, func() error {
		c, err := new(net.ListenConfig).ListenPacket(context.Background(), "udp6", netip.AddrPortFrom(group, testnet.Port).String())
		if err != nil {
			return err
		}
		m.conn = ipv6.NewPacketConn(c)
		return m.conn.SetControlMessage(ipv6.FlagDst, true)
	})
	n.t.Cleanup(func() { m.conn.Close() })
	if any {
		testnet.Must(n.t, m.conn.JoinGroup(m.iface, udpAddr(group)))
	}
	for _, s := range listed {
		n.list(m, s)
	}
	go m.read()
	return m
}

// list adds a source to the list of a socket, or removes it.
func (n *lone) list(m *membership, source int) {
	n.t.Helper()
	group, from := udpAddr(m.group), udpAddr(n.sources[source])
	var err error
	switch {
	case m.any && !m.listed[source]:
		err = m.conn.ExcludeSourceSpecificGroup(m.iface, group, from)
	case m.any:
		err = m.conn.IncludeSourceSpecificGroup(m.iface, group, from)
	case !m.listed[source]:
		err = m.conn.JoinSourceSpecificGroup(m.iface, group, from)
	default:
		err = m.conn.LeaveSourceSpecificGroup(m.iface, group, from)
	}
	testnet.Must(n.t, err)
	if m.listed[source] {
		delete(m.listed, source)
	} else {
		m.listed[source] = true
	}
}

func (m *membership) wants(source int) bool { return m.listed[source] != m.any }

func (m *membership) read() {
	b := make([]byte, 16)
	for {
		size, control, from, err := m.conn.ReadFrom(b)
		if err != nil {
			return // the socket was closed by leave or at the end
		}
		addr, ok := netip.AddrFromSlice(from.(*net.UDPAddr).IP)
		if size != 4 || control == nil || !ok || !control.Dst.Equal(m.group.AsSlice()) {
			continue
		}
		m.mu.Lock()
		m.received[flow{addr, m.group, binary.BigEndian.Uint32(b)}]++
		m.mu.Unlock()
	}
}

func (m *membership) count(f flow) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.received[f]
}

func (m *membership) String() string {
	mode := map[bool]string{true: "any but", false: "only"}[m.any]
	return fmt.Sprintf("host %d, %s, %s %v", m.host, m.group, mode, m.listed)
}
