package pairtest

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/daemon/identity"
	"tandem/internal/linux/testnet"
	"tandem/internal/pki"
)

// middle is somebody on the path of the remote backup service. Each device has his address for
// that of its peer. He reads what he passes on, or, while he is evil, speaks TLS with both
// devices by a certificate of his own.
type middle struct {
	t    *testing.T
	own  *tls.Config
	dial func() (net.Conn, error)
	evil atomic.Bool

	mu       sync.Mutex
	read     bytes.Buffer // what he could read of what he passed on
	open     []net.Conn
	handed   int    // connections on which he has tried to be the peer
	deceived []byte // what a device has told him as if he were the peer
}

func newMiddle(t *testing.T, l net.Listener, dial func() (net.Conn, error)) *middle {
	self, err := pki.NewSelf()
	testnet.Must(t, err)
	m := &middle{t: t, dial: dial, own: self.Client(nil)}
	m.own.VerifyConnection = nil // he takes everybody
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go m.serve(c)
		}
	}()
	return m
}

// serve stands between the device that has called and the other one.
func (m *middle) serve(caller net.Conn) {
	called, err := m.dial()
	if err != nil {
		caller.Close()
		return
	}
	m.mu.Lock()
	m.open = append(m.open, caller, called)
	m.mu.Unlock()
	if m.evil.Load() {
		m.mu.Lock()
		m.handed++
		m.mu.Unlock()
		m.listens(tls.Server(caller, m.own))
		m.listens(tls.Client(called, m.own))
		caller.Close()
		called.Close()
		return
	}
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{caller, called}, {called, caller}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], io.TeeReader(way[1], m))
			way[0].Close()
		})
	}
	both.Wait()
}

// listens waits for what a device says to him.
func (m *middle) listens(c net.Conn) {
	_ = c.SetDeadline(time.Now().Add(time.Second))
	b := make([]byte, 1000)
	n, _ := c.Read(b)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.deceived = append(m.deceived, b[:n]...)
}

// Write notes what is passed on.
func (m *middle) Write(b []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.read.Write(b)
}

// turns makes him evil, or good again, and ends the connections that there are.
func (m *middle) turns(evil bool) {
	m.evil.Store(evil)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.open {
		c.Close()
	}
	m.open = nil
}

func (m *middle) tried() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.handed
}

// TestHostilePath puts somebody on the path of the remote backup service. What he passes on is
// of no use to him, and neither device takes him for its peer. Both raise an alarm; listeners
// miss nothing, and new ones are served. When he passes on again, the devices find each other. Then a device loses its
// certificate: the other one is told of the new one, and waits for nothing.
func TestHostilePath(t *testing.T) {
	p := newPair(t)
	testnet.Must(t, p.a.Links.SetUp("lo", true)) // the man in the middle and A communicate over it
	for _, a := range []netip.Addr{proxyForB, proxyForA} {
		testnet.Must(t, p.a.Links.AddAddress(coreLink, netip.PrefixFrom(a, 64)))
	}
	at := func(a netip.Addr, port uint16) *net.TCPAddr {
		return net.TCPAddrFromAddrPort(netip.AddrPortFrom(a, port))
	}
	var listener net.Listener
	p.a.In(t, func() (err error) {
		listener, err = net.ListenTCP("tcp6", at(proxyForB, 7000))
		return err
	})
	t.Cleanup(func() { listener.Close() })
	m := newMiddle(t, listener, func() (c net.Conn, err error) {
		failed := p.a.Do(func() error {
			c, err = net.DialTCP("tcp6", at(proxyForA, 0), at(addr("c", "a"), 7000))
			return err
		})
		return c, failed
	})
	t.Cleanup(func() { m.turns(false) })
	p.a.start(replaced(configuration("a"), "peer-ipv6 2001:db8:c::b source-ipv6 2001:db8:c::a port 7000",
		"peer-ipv6 "+proxyForA.String()+" source-ipv6 2001:db8:c::a port 7000")...)
	p.b.start(replaced(configuration("b"), "peer-ipv6 2001:db8:c::a source-ipv6 2001:db8:c::b port 7000",
		"peer-ipv6 "+proxyForB.String()+" source-ipv6 2001:db8:c::b port 7000")...)
	s := p.stream(ssmGroup, asmGroup)
	stays := p.join(ssmGroup, sourceAddr)
	p.forms(1)
	stays.awaits(s)
	group := ssmGroup.As16()
	m.mu.Lock()
	if m.read.Len() < 1000 || bytes.Contains(m.read.Bytes(), group[:]) || bytes.Contains(m.read.Bytes(), []byte("TRBS")) {
		t.Errorf("he reads the listeners in %d bytes", m.read.Len())
	}
	m.mu.Unlock()

	from := s.position()
	m.turns(true)
	p.b.complains("TLS: the peer's certificate is refused: it has the SHA-256")
	p.a.complains("TLS: the peer's certificate is refused: it has the SHA-256")
	for _, d := range []*device{p.a, p.b} {
		d.raises("RBS_PEER_NOT_TRUSTED")
	}
	p.join(asmGroup, noSource).awaits(s)
	tries := m.tried()
	eventually(t, "he goes on trying", func() error {
		if m.tried() < tries+2 {
			return os.ErrDeadlineExceeded
		}
		return nil
	})
	m.turns(false)
	p.forms(2)
	for _, d := range []*device{p.a, p.b} {
		d.hasAlarms()
	}
	m.mu.Lock()
	if len(m.deceived) > 0 {
		t.Errorf("a device took him for its peer, and told him %x", m.deceived)
	}
	m.mu.Unlock()
	if n := stays.missed(from, s.position()-1); n > 0 {
		t.Errorf("the listener missed %d packets", n)
	}

	p.b.kill()
	testnet.Must(t, os.Remove(p.b.path("state/"+identity.CertificateFile)))
	p.b.start()
	p.forms(2)
	for _, d := range []*device{p.a, p.b} {
		if n := d.logged("CERTIFICATE_MADE"); d == p.a && n != 1 || d == p.b && n != 2 {
			t.Errorf("device %s has made %d certificates", d.name, n)
		}
		d.hasAlarms()
	}
}
