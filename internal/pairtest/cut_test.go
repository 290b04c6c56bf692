package pairtest

import (
	"flag"
	"net"
	"net/netip"
	"testing"
	"time"

	"tandem/internal/cutter"
	"tandem/internal/linux/testnet"
)

var cuts = flag.Int("cuts", 15, "how many times TestServiceCut cuts the connection")

// The addresses of the proxy, both in A's namespace. B uses the first one as its peer, A the
// second.
var (
	proxyForB = netip.MustParseAddr("2001:db8:c::5")
	proxyForA = netip.MustParseAddr("2001:db8:c::b:5")
)

// TestServiceCut cuts the replication of a real pair after a random number of bytes, while
// hosts join, leave and are hashed to the other leg. A listener that stays misses nothing, and
// afterwards both devices hold the same records.
func TestServiceCut(t *testing.T) {
	p := newPair(t)
	testnet.Must(t, p.a.Links.SetUp("lo", true)) // the proxy and A communicate over it
	for _, a := range []netip.Addr{proxyForB, proxyForA} {
		testnet.Must(t, p.a.Links.AddAddress(coreLink, netip.PrefixFrom(a, 64)))
	}
	at := func(a netip.Addr) *net.TCPAddr { return net.TCPAddrFromAddrPort(netip.AddrPortFrom(a, 0)) }
	var listener net.Listener
	p.a.In(t, func() (err error) {
		local := at(proxyForB)
		local.Port = 7000
		listener, err = net.ListenTCP("tcp6", local)
		return err
	})
	t.Cleanup(func() { listener.Close() })
	proxy := cutter.Start(listener, func() (c net.Conn, err error) {
		target := at(addr("c", "a"))
		target.Port = 7000
		failed := p.a.Do(func() error {
			c, err = net.DialTCP("tcp6", at(proxyForA), target)
			return err
		})
		return c, failed
	}, uint64(time.Now().UnixNano()))
	proxy.SetPeace(true)
	for _, d := range []*device{p.a, p.b} {
		was, now := "peer-ipv6 2001:db8:c::b source-ipv6 2001:db8:c::a port 7000", "peer-ipv6 "+proxyForA.String()+" source-ipv6 2001:db8:c::a port 7000"
		if d == p.b {
			was, now = "peer-ipv6 2001:db8:c::a source-ipv6 2001:db8:c::b port 7000", "peer-ipv6 "+proxyForB.String()+" source-ipv6 2001:db8:c::b port 7000"
		}
		d.start(replaced(configuration(d.name), was, now)...)
	}
	s := p.stream(ssmGroup, asmGroup)
	stays := p.join(ssmGroup, sourceAddr)
	p.forms(1)
	stays.awaits(s)
	from := s.position()
	proxy.SetPeace(false)
	for i := 0; proxy.Cuts() < *cuts; i++ {
		p.steer([]string{"a", "b"}[i%2])
		comes := p.join(asmGroup, noSource)
		comes.awaits(s)
		comes.leave()
	}
	to := s.position()
	proxy.SetPeace(true)
	p.forms(1)
	stays.awaits(s)
	if n := stays.missed(from, to); n > 0 {
		t.Errorf("the listener missed %d of %d packets in %d cuts", n, to-from, proxy.Cuts())
	}
	t.Logf("%d cuts, %d packets", proxy.Cuts(), to-from)
}
