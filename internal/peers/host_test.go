package peers

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/ipv6"

	"tandem/internal/linux/links"
	"tandem/internal/linux/testnet"
	"tandem/internal/mld"
)

var (
	group = netip.MustParseAddr("ff3e::8000:1")
	other = netip.MustParseAddr("ff1e::2")
	s1    = netip.MustParseAddr("2001:db8::1")
	s2    = netip.MustParseAddr("2001:db8::2")
)

// listener is an application on a host: a socket that joins groups.
type listener struct {
	t     *testing.T
	conn  *ipv6.PacketConn
	iface *net.Interface
}

func (n *lan) listener(t *testing.T, host int) *listener {
	t.Helper()
	return &listener{t, n.hosts[host].UDP(t, 0), n.hosts[host].Interface(t, "h0")}
}

func udp(a netip.Addr) net.Addr { return &net.UDPAddr{IP: a.AsSlice()} }

func (l *listener) join(g netip.Addr) {
	l.t.Helper()
	testnet.Must(l.t, l.conn.JoinGroup(l.iface, udp(g)))
}

func (l *listener) leave(g netip.Addr) {
	l.t.Helper()
	testnet.Must(l.t, l.conn.LeaveGroup(l.iface, udp(g)))
}

func (l *listener) joinSource(g, s netip.Addr) {
	l.t.Helper()
	testnet.Must(l.t, l.conn.JoinSourceSpecificGroup(l.iface, udp(g), udp(s)))
}

func (l *listener) leaveSource(g, s netip.Addr) {
	l.t.Helper()
	testnet.Must(l.t, l.conn.LeaveSourceSpecificGroup(l.iface, udp(g), udp(s)))
}

func (l *listener) block(g, s netip.Addr) {
	l.t.Helper()
	testnet.Must(l.t, l.conn.ExcludeSourceSpecificGroup(l.iface, udp(g), udp(s)))
}

// quick returns a configuration with short times, so that the tests need not wait long.
func quick(version int) mld.Config {
	cfg := mld.DefaultConfig()
	cfg.Version = version
	cfg.MaxResponse = 500 * time.Millisecond
	cfg.LastListenerInterval = 300 * time.Millisecond
	return cfg
}

func groupQuery(q mld.Query) bool  { return q.Group == group && len(q.Sources) == 0 }
func sourceQuery(q mld.Query) bool { return q.Group == group && len(q.Sources) > 0 }

// Linux hosts with MLDv2 join, filter sources and leave.
func TestLinuxHostsV2(t *testing.T) {
	n := newLAN(t, "2", 2, links.BridgeOptions{})
	s := n.serve(t, quick(2))
	a, b := n.listener(t, 0), n.listener(t, 1)

	a.joinSource(group, s1)
	s.filter(group, mld.Include, s1)
	b.joinSource(group, s2)
	s.filter(group, mld.Include, s1, s2)
	a.leaveSource(group, s1)
	s.filter(group, mld.Include, s2)
	s.asked("for the source that was left", sourceQuery)
	b.leaveSource(group, s2)
	s.filter(group, mld.Include)

	s.forgetQueries()
	a.join(group)
	s.filter(group, mld.Exclude)
	a.block(group, s1)
	s.filter(group, mld.Exclude, s1)
	b.joinSource(group, s1)
	s.filter(group, mld.Exclude)
	b.leaveSource(group, s1)
	s.filter(group, mld.Exclude, s1)
	a.leave(group)
	s.filter(group, mld.Include)
	s.asked("for the group", groupQuery)
}

// A router that starts late learns all listeners from the answers to its first query. One
// query keeps the groups that still have listeners.
func TestLinuxAnswers(t *testing.T) {
	for _, version := range []int{1, 2} {
		t.Run(map[int]string{1: "v1", 2: "v2"}[version], func(t *testing.T) {
			n := newLAN(t, map[int]string{1: "1", 2: "2"}[version], 2, links.BridgeOptions{})
			a, b := n.listener(t, 0), n.listener(t, 1)
			a.join(group)
			b.join(group)
			a.join(other)
			s := n.serve(t, quick(version))
			s.filter(group, mld.Exclude)
			s.filter(other, mld.Exclude)
			s.mu.Lock()
			state, _ := s.router.GroupState(s.now(), group)
			s.mu.Unlock()
			for _, h := range state.Hosts {
				if h.V1 != (version == 1) {
					t.Errorf("host %v is of version 1: %v", h.Host, h.V1)
				}
			}
			a.leave(other)
			s.filter(other, mld.Include)
			s.filter(group, mld.Exclude)
		})
	}
}

// A router with MLDv2 serves hosts with MLDv1, which do not know of each other's leaves. As
// long as one of them answers the query, the group stays.
func TestLinuxHostsV1(t *testing.T) {
	n := newLAN(t, "1", 2, links.BridgeOptions{})
	s := n.serve(t, quick(2))
	a, b := n.listener(t, 0), n.listener(t, 1)
	a.join(group)
	s.filter(group, mld.Exclude)
	b.join(group)
	b.join(other)
	s.filter(other, mld.Exclude)
	a.leave(group) // this host sends a Done only if it was the last to report
	b.leave(other) // if the router asked about the first group, its response time ends before this
	s.filter(other, mld.Include)
	s.filter(group, mld.Exclude)
	b.leave(group)
	s.filter(group, mld.Include)
	s.asked("for the group", groupQuery)
}

// One host with MLDv1 among hosts with MLDv2 makes the router ignore the sources that the
// others block.
func TestLinuxHostsMixed(t *testing.T) {
	n := newLAN(t, "2", 2, links.BridgeOptions{})
	testnet.Must(t, n.hosts[1].SetSysctl("ipv6/conf/h0/force_mld_version", "1"))
	s := n.serve(t, quick(2))
	a, b := n.listener(t, 0), n.listener(t, 1)
	b.join(group)
	s.filter(group, mld.Exclude)
	a.join(group)
	a.block(group, s1)
	records := func() uint64 { return s.router.State(s.now()).Counters.Received.Records }
	var before uint64
	s.await("the state", func() bool { before = records(); return true })
	// Linux sends TO_EX or BLOCK, depending on when it joined, and repeats the message.
	s.await("the change and its repetition", func() bool {
		if f := s.router.Filter(group); len(f.Sources) > 0 {
			t.Errorf("filter %v", f)
		}
		return records() >= before+2
	})
	b.leave(group)
	a.leave(group)
	s.filter(group, mld.Include)
}
