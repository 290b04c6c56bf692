package rbs

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tandem/internal/cutter"
	"tandem/internal/instant"
)

var cuts = flag.Int("cuts", 1000, "how many times TestCutAnywhere cuts the connection")

// TestCutAnywhere lets two services communicate over real TCP. A proxy ends each connection
// after a random number of bytes, by a reset or an orderly close. Both devices go on writing.
// Whenever there is no cut for a moment, both must become equal, and no tombstone may remain.
func TestCutAnywhere(t *testing.T) {
	const rest = 100 // cuts between two pauses
	p := newTCPPair(t)
	rng := rand.New(rand.NewPCG(1, 1))
	for p.proxy.Cuts() < *cuts {
		target := min(p.proxy.Cuts()+rest, *cuts)
		p.proxy.SetPeace(false)
		for p.proxy.Cuts() < target {
			p.do(func() {
				for range rng.IntN(20) {
					p.ends[rng.IntN(2)].write(rng.IntN(800), rng.IntN(3) == 0)
				}
			})
			time.Sleep(time.Millisecond) // as fast as the test writes
		}
		p.proxy.SetPeace(true)
		p.agree(t)
	}
	if n := p.ends[0].svc.kept.Counters; n.LostFormat+n.LostProtocol > 0 {
		t.Errorf("a cut must not be taken for a fault of the peer: %+v", n)
	}
}

// tcpPair is two services with the sockets and the loop of a daemon. The addresses are those of
// the configuration; the packets use the loopback interface.
type tcpPair struct {
	start time.Time
	work  chan func()
	ends  [2]*tcpEnd
	proxy *cutter.Proxy
	via   string // the proxy's address
	next  ConnID
}

type tcpEnd struct {
	node
	p     *tcpPair
	tcp   net.Listener
	conns map[ConnID]*net.TCPConn
}

func newTCPPair(t *testing.T) *tcpPair {
	var listeners [2]net.Listener // those of the service and of the proxy
	for i := range listeners {
		l, err := net.Listen("tcp6", "[::1]:0")
		if err != nil {
			t.Skipf("no TCP over IPv6 here: %v", err)
		}
		t.Cleanup(func() { l.Close() })
		listeners[i] = l
	}
	target := listeners[0].Addr().String()
	p := &tcpPair{
		start: time.Now(), work: make(chan func(), 100), via: listeners[1].Addr().String(),
		proxy: cutter.Start(listeners[1], func() (net.Conn, error) { return net.Dial("tcp6", target) }, 3),
	}
	rng := rand.New(rand.NewPCG(2, 2))
	for i := range p.ends {
		e := &tcpEnd{p: p, conns: make(map[ConnID]*net.TCPConn), node: node{id: i, addr: addresses[i], store: newMemory(uint64(i+1), 4)}}
		e.w = &world{rng: rng}
		e.clock = NewClock(time.Now(), after(0))
		e.svc = NewService(e.store, e.clock, e.store.device, rng.Uint64(), rng)
		p.ends[i] = e
	}
	p.ends[0].tcp = listeners[0]
	done := make(chan struct{})
	go p.loop(done)
	go p.ends[0].accept()
	for i, e := range p.ends {
		p.do(func() {
			e.svc.Configure(p.now(), Config{
				Name: "rbs", Local: e.addr, Peer: addresses[1-i], Enabled: true,
				BackoffMin: time.Millisecond, BackoffMax: 4 * time.Millisecond,
			}, &e.fx)
		})
	}
	t.Cleanup(func() { close(done) })
	return p
}

func (p *tcpPair) now() instant.Time { return instant.FromOrigin(time.Since(p.start)) }

// do runs something in the loop and waits for it.
func (p *tcpPair) do(f func()) {
	done := make(chan struct{})
	p.work <- func() { f(); close(done) }
	<-done
}

func (p *tcpPair) loop(done chan struct{}) {
	timer := time.NewTimer(0)
	for {
		next := p.now().Add(time.Second)
		for _, e := range p.ends {
			e.w.now = p.now()
			at := e.svc.Deadline()
			if at.IsDue(p.now()) {
				e.svc.Advance(p.now(), &e.fx)
			}
			next = instant.Earliest(next, at)
			e.carryOut()
		}
		timer.Reset(next.Left(p.now()))
		select {
		case f := <-p.work:
			f()
		case <-timer.C:
		case <-done:
			return
		}
	}
}

func (e *tcpEnd) carryOut() {
	for _, c := range e.fx.Close {
		if tcp := e.conns[c.Conn]; tcp != nil {
			delete(e.conns, c.Conn)
			tcp.Close()
		}
	}
	for range e.fx.Dial {
		go e.connect()
	}
	for _, s := range e.fx.Send {
		tcp, b := e.conns[s.Conn], bytes.Clone(s.Bytes)
		if tcp == nil {
			continue // the connection has just been lost
		}
		go func() {
			if _, err := tcp.Write(b); err == nil {
				e.p.work <- func() { e.svc.Written(e.p.now(), s.Conn, &e.fx) }
			}
		}()
	}
	e.fx.Reset()
}

func (e *tcpEnd) connect() {
	tcp, err := net.Dial("tcp6", e.p.via)
	if err != nil {
		e.p.work <- func() { e.svc.DialFailed(e.p.now(), err.Error(), &e.fx) }
		return
	}
	e.adopt(tcp, func(conn ConnID) { e.svc.Dialled(e.p.now(), conn, Security{}, &e.fx) })
}

func (e *tcpEnd) accept() {
	for {
		tcp, err := e.tcp.Accept()
		if err != nil {
			return
		}
		e.adopt(tcp, func(conn ConnID) { e.svc.Accepted(e.p.now(), conn, addresses[1-e.id], Security{}, &e.fx) })
	}
}

func (e *tcpEnd) adopt(tcp net.Conn, announce func(ConnID)) {
	e.p.work <- func() {
		e.p.next++
		conn := e.p.next
		e.conns[conn] = tcp.(*net.TCPConn)
		announce(conn)
		go e.read(conn, tcp)
	}
}

func (e *tcpEnd) read(conn ConnID, tcp net.Conn) {
	buf := make([]byte, 8192)
	for {
		n, err := tcp.Read(buf)
		b := bytes.Clone(buf[:n])
		e.p.work <- func() {
			e.svc.Received(e.p.now(), conn, b, &e.fx)
			if err != nil {
				delete(e.conns, conn)
				e.svc.Closed(e.p.now(), conn, err.Error(), &e.fx)
			}
		}
		if err != nil {
			tcp.Close()
			return
		}
	}
}

// agree waits until both ends are in sync and equal.
func (p *tcpPair) agree(t *testing.T) {
	t.Helper()
	wrong := "nothing seen yet"
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		p.do(func() {
			wrong = ""
			for _, e := range p.ends {
				if st := e.svc.State(p.now(), time.Now()); !st.InSync || st.LagRecords > 0 || len(e.store.tombstones()) > 0 {
					wrong = st.TCP.String() + ", last error " + st.LastError
				}
			}
			if wrong == "" {
				wrong = cmp.Diff(p.ends[0].store.live(), p.ends[1].store.live())
			}
		})
		if wrong == "" {
			return
		}
	}
	t.Fatalf("after %d cuts: %s", p.proxy.Cuts(), wrong)
}
