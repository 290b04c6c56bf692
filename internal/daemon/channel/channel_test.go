package channel

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/daemon/eventloop"
	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/linux/inherit"
	"tandem/internal/rbs"
	"tandem/internal/task"
)

var loopback = netip.IPv6Loopback()

const (
	service  = "rbs1"
	patience = 10 * time.Second
)

// end is one end of a channel. In place of a device it records the events and answers nothing.
type end struct {
	*Channels
	t      *testing.T
	events chan device.Event
	left   inherit.Files // by a predecessor
	// failures counts logged failures of sockets.
	failures atomic.Int32
}

func (e *end) Handle(ev device.Event) {
	if r, ok := ev.(device.ChannelReceived); ok {
		r.Bytes = bytes.Clone(r.Bytes)
		ev = r
	}
	e.events <- ev
}

func (e *end) Emit(ev event.Event) {
	if ev.Kind == event.SocketFailed {
		e.failures.Add(1)
	}
	e.t.Log(ev)
}

func newEnd(t *testing.T, left ...inherit.File) *end {
	e := &end{t: t, events: make(chan device.Event, 100), left: left}
	loop := eventloop.New(eventloop.Options{Settle: func() {}, Interval: time.Hour})
	if err := loop.Begin(func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	tasks := task.NewGroup(t.Context())
	e.Channels = New(Options{
		Loop: loop, Handle: e.Handle, Emit: e.Emit, Tasks: tasks,
		Inherited: func(at netip.AddrPort) *os.File { return e.left.Bound("rbs", at, "") },
	})
	t.Cleanup(func() {
		loop.End()
		e.Close()
		ended := make(chan error)
		go func() { ended <- tasks.Stop() }()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Errorf("closed, and still running: %v", tasks.Running())
		}
	})
	return e
}

// asks carries out the effects of one turn of the service.
func (e *end) asks(fx rbs.Effects) {
	e.t.Helper()
	if err := e.o.Loop.Turn(func() { e.Serve(device.ChannelEffects{Service: service, Effects: fx}) }); err != nil {
		e.t.Fatal(err)
	}
}

// listens opens a listener for connections of peer, and returns its port.
func (e *end) listens(port uint16, peer netip.Addr) uint16 {
	e.t.Helper()
	e.asks(rbs.Effects{Listen: []rbs.Listen{{On: true, Ends: rbs.Ends{Local: loopback, Peer: peer}, Port: port, Identity: peer}}})
	var at netip.AddrPort
	_ = e.o.Loop.Turn(func() {
		if l := e.byService[service].listener; l != nil {
			at = l.socket.Addr().(*net.TCPAddr).AddrPort()
		}
	})
	return at.Port()
}

func (e *end) dials(port uint16) {
	e.t.Helper()
	e.asks(rbs.Effects{Dial: []rbs.Dial{{Ends: rbs.Ends{Local: loopback, Peer: loopback}, Port: port, Identity: loopback}}})
}

func (e *end) sends(id rbs.ConnID, text string) {
	e.t.Helper()
	e.asks(rbs.Effects{Send: []rbs.Send{{Conn: id, Bytes: []byte(text)}}})
}

// told waits for the next event of type T.
func told[T device.Event](e *end) T {
	e.t.Helper()
	select {
	case ev := <-e.events:
		got, ok := ev.(T)
		if !ok {
			e.t.Fatalf("told of %T %+v, want a %T", ev, ev, got)
		}
		return got
	case <-time.After(patience):
		var want T
		e.t.Fatalf("not told of a %T", want)
		return want
	}
}

// hears waits for bytes from the other end.
func (e *end) hears(id rbs.ConnID, text string) {
	e.t.Helper()
	if got := told[device.ChannelReceived](e); got.Conn != id || string(got.Bytes) != text || got.Service != service {
		e.t.Fatalf("received %+v, want %q from connection %d", got, text, id)
	}
}

// connects makes a connection and returns its ID at each end.
func connects(a, b *end, port uint16) (atA, atB rbs.ConnID) {
	a.t.Helper()
	a.dials(port)
	dialled, accepted := told[device.ChannelDialled](a), told[device.ChannelAccepted](b)
	if accepted.From != loopback {
		a.t.Fatalf("accepted from %v", accepted.From)
	}
	return dialled.Conn, accepted.Conn
}

// speak sends something in both directions.
func speak(a, b *end, atA, atB rbs.ConnID) {
	a.t.Helper()
	a.sends(atA, "hello")
	told[device.ChannelWritten](a)
	b.hears(atB, "hello")
	b.sends(atB, "good evening")
	told[device.ChannelWritten](b)
	a.hears(atA, "good evening")
}

func TestConnection(t *testing.T) {
	a, b := newEnd(t), newEnd(t)
	port := b.listens(0, loopback)
	atA, atB := connects(a, b, port)
	speak(a, b, atA, atB)

	b.asks(rbs.Effects{Close: []rbs.CloseConn{{Conn: atB, Last: []byte("farewell")}}})
	a.hears(atA, "farewell")
	if closed := told[device.ChannelClosed](a); closed.Conn != atA || closed.Service != service {
		t.Errorf("%+v", closed)
	}
	a.sends(atA, "too late") // is for nobody
	again, _ := connects(a, b, port)
	if again == atA {
		t.Errorf("the number %d is used twice", again)
	}
}

// TestForeignAddress: a connection from another address is handed over without TLS, although
// the service uses TLS, so that it is counted.
func TestForeignAddress(t *testing.T) {
	b := newEnd(t)
	dir := certificates(t, time.Now(), time.Hour)
	b.uses(policy(dir, "b"))
	port := b.listens(0, netip.MustParseAddr("2001:db8::a"))
	tcp, err := net.Dial("tcp6", fmt.Sprintf("[::1]:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	accepted := told[device.ChannelAccepted](b)
	if accepted.From != loopback {
		t.Errorf("accepted from %v", accepted.From)
	}
	b.asks(rbs.Effects{Close: []rbs.CloseConn{{Conn: accepted.Conn}}})
	_ = tcp.SetReadDeadline(time.Now().Add(patience))
	if n, err := tcp.Read(make([]byte, 1)); n != 0 || err == nil || os.IsTimeout(err) {
		t.Errorf("not refused: read %d, %v", n, err)
	}
}

func TestListenFails(t *testing.T) {
	a, b := newEnd(t), newEnd(t)
	port := a.listens(0, loopback)
	b.listens(port, loopback)
	if failed := told[device.ChannelListenFailed](b); failed.Service != service || failed.Reason == "" {
		t.Errorf("%+v", failed)
	}
	a.asks(rbs.Effects{Listen: []rbs.Listen{{}}})
	if got := b.listens(port, loopback); got != port {
		t.Errorf("listening at %d, want %d, which is free again", got, port)
	}
}

func TestDialFails(t *testing.T) {
	a, b := newEnd(t), newEnd(t)
	port := b.listens(0, loopback)
	b.asks(rbs.Effects{Listen: []rbs.Listen{{}}})
	a.dials(port)
	if failed := told[device.ChannelDialFailed](a); failed.Service != service || failed.Reason == "" {
		t.Errorf("%+v", failed)
	}
}

// TestDialReplaced: a dial that a newer one has replaced gets no answer.
func TestDialReplaced(t *testing.T) {
	silent, err := net.Listen("tcp6", "[::1]:0") // accepts connections and sends nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	a, b := newEnd(t), newEnd(t)
	dir := certificates(t, time.Now(), time.Hour)
	a.uses(policy(dir, "a"))
	b.uses(policy(dir, "b"))
	port := b.listens(0, loopback)
	a.dials(netip.MustParseAddrPort(silent.Addr().String()).Port())
	if _, err := silent.Accept(); err != nil { // so the dial waits for the TLS handshake
		t.Fatal(err)
	}
	connects(a, b, port)
	time.Sleep(50 * time.Millisecond)
	select {
	case ev := <-a.events:
		t.Errorf("told of %T %+v", ev, ev)
	default:
	}
}

// TestListenerOutlivesAnError: a listener cannot accept a connection while the process has too
// many open files. It accepts it afterwards.
func TestListenerOutlivesAnError(t *testing.T) {
	b := newEnd(t)
	port := b.listens(0, loopback)
	socket, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(socket)
	allowMoreFiles := allowNoMoreFiles(t)
	defer allowMoreFiles()
	if err := unix.Connect(socket, &unix.SockaddrInet6{Addr: loopback.As16(), Port: int(port)}); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); b.failures.Load() == 0; time.Sleep(time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatal("the failure is not logged")
		}
	}
	allowMoreFiles()
	told[device.ChannelAccepted](b)
}

// allowNoMoreFiles prevents the process from opening files until the returned function is
// called.
func allowNoMoreFiles(t *testing.T) (allow func()) {
	t.Helper()
	var before unix.Rlimit
	next, err := unix.Dup(0)
	if err == nil {
		unix.Close(next)
		err = unix.Getrlimit(unix.RLIMIT_NOFILE, &before)
	}
	if err == nil {
		err = unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(next), Max: before.Max})
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() { _ = unix.Setrlimit(unix.RLIMIT_NOFILE, &before) }
}

// TestListenerIsHandedOver: the successor uses the same socket. A connection that was opened in
// between is not refused.
func TestListenerIsHandedOver(t *testing.T) {
	old := newEnd(t)
	port := old.listens(0, loopback)
	var sockets []*os.File
	err := old.o.Loop.Turn(func() {
		var err error
		if sockets, err = old.HandOver(); err != nil {
			t.Error(err)
		}
		old.Close()
	})
	if err != nil || len(sockets) != 1 {
		t.Fatal(err, sockets)
	}
	tcp, err := net.Dial("tcp6", fmt.Sprintf("[::1]:%d", port))
	if err != nil {
		t.Fatal("nobody listens between the two:", err)
	}
	defer tcp.Close()
	successor := newEnd(t, inherit.File{Name: "rbs", File: sockets[0]})
	if got := successor.listens(port, loopback); got != port {
		t.Fatalf("listening at %d, want %d", got, port)
	}
	told[device.ChannelAccepted](successor)
	if len(successor.left) != 0 {
		t.Error("the socket was not taken over")
	}
}
