// Package hello owns the UDP sockets on which E-Trunks exchange hellos
// (docs/protocol/etrunk.md). The device decides what hellos say and when they are sent.
package hello

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"

	"tandem/internal/daemon/eventloop"
	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/event"
	"tandem/internal/linux/inherit"
	"tandem/internal/linux/udp"
	"tandem/internal/task"
)

// Options are what the sockets need from outside.
type Options struct {
	Loop *eventloop.Loop
	// Handle passes an event to the device, within a turn.
	Handle func(device.Event)
	// Emit sends an event to the log. It is called from any goroutine.
	Emit func(event.Event)
	// Readers is the group of the reading goroutines. A reader ends when its socket is
	// closed or handed over. By then it has passed on all that it has read.
	Readers *task.Group
	// Inherited returns the socket that a predecessor has left for an address, or nil. If vpn
	// is not empty, the socket is one bound to the VRF of that VPN instance.
	Inherited func(at netip.AddrPort, vpn string) *os.File
}

// Address is a local address from which hellos are sent.
type Address struct {
	Local netip.Addr
	VPN   string // the VPN instance, which is also the Linux name of its VRF; empty for none
}

// Binding says how the socket of an address is bound.
type Binding struct {
	Port uint16
	// VRF is the interface index of the VPN instance's VRF. A VRF that was removed and made
	// again has another index, and the address then needs another socket.
	VRF int
	// Share allows a socket with the same address in another VPN instance.
	Share bool
}

// Sockets has one socket for each address. Only the caller who has the turn may use its
// methods.
type Sockets struct {
	o    Options
	open map[Address]*socket
	// failing holds the paths on which the last hello could not be sent.
	failing map[etrunk.Path]bool
	// refused holds the addresses at which the kernel permits no socket for the moment.
	refused map[Address]refusal
}

type refusal struct {
	Binding
	err error
}

type socket struct {
	Binding
	conn *udp.Conn
}

// New returns a Sockets without any socket.
func New(o Options) *Sockets {
	return &Sockets{o: o, open: make(map[Address]*socket), failing: make(map[etrunk.Path]bool), refused: make(map[Address]refusal)}
}

// Configure opens the wanted sockets that are not open, and closes the others. It returns an
// error at the first socket that cannot be opened. If patient is set, or the socket was wanted
// before, this is no error: [Sockets.Retry] tries again.
func (s *Sockets) Configure(wanted map[Address]Binding, patient bool) error {
	for at, sock := range s.open {
		if binding, ok := wanted[at]; !ok || binding != sock.Binding {
			sock.conn.Close()
			delete(s.open, at)
		}
	}
	refusedBefore := s.refused
	s.refused = make(map[Address]refusal)
	for at, binding := range wanted {
		err := s.listen(at, binding)
		if before, known := refusedBefore[at]; err != nil && !patient && (!known || before.Binding != binding) {
			return fmt.Errorf("E-Trunk hellos: %w", err)
		}
		if err != nil {
			s.refused[at] = refusal{binding, err}
		}
	}
	return nil
}

// Retry tries to open the sockets that the kernel has refused.
func (s *Sockets) Retry() {
	for at, r := range s.refused {
		if err := s.listen(at, r.Binding); err == nil {
			delete(s.refused, at)
		}
	}
}

// Conditions lists an alarm for each address at which no hello can be received or sent.
func (s *Sockets) Conditions() (list []event.Condition) {
	for at, r := range s.refused {
		list = append(list, event.Condition{AlarmKind: event.HelloNotListening, Object: "Source=" + at.Local.String(), Detail: r.err.Error()})
	}
	return list
}

// listen opens the socket of an address if it is not open.
func (s *Sockets) listen(at Address, binding Binding) error {
	if s.open[at] != nil {
		return nil
	}
	conn, err := s.bind(at, binding)
	if err != nil {
		return err
	}
	s.open[at] = &socket{binding, conn}
	s.o.Readers.Go("hellos", func(ctx context.Context) error { return s.read(ctx, conn, at.VPN) })
	return nil
}

// bind takes over the predecessor's socket, or opens one.
func (s *Sockets) bind(at Address, b Binding) (*udp.Conn, error) {
	local := netip.AddrPortFrom(at.Local, b.Port)
	if file := s.o.Inherited(local, at.VPN); file != nil {
		if fd, err := inherit.Descriptor(file); err == nil {
			return udp.Adopt(fd)
		}
	}
	return udp.Listen(udp.Config{Local: local, Device: at.VPN, Share: b.Share, FreeBind: true})
}

// read passes each received hello to the device, until the socket is closed or handed
// over.
func (s *Sockets) read(ctx context.Context, conn *udp.Conn, vpn string) error {
	failed := func(err error) { s.o.Emit(event.SocketFailed.With("E-Trunk", err)) }
	batch := udp.NewBatch(16, etrunk.MaxPacket+1)
	for {
		messages, err := conn.Read(batch)
		if err != nil {
			if task.ReadAgain(ctx, err, failed) {
				continue
			}
			return nil
		}
		for _, m := range messages {
			ev := device.HelloReceived{From: m.Src.Addr().WithZone(""), VPN: vpn, Packet: bytes.Clone(m.Payload)}
			if s.o.Loop.Turn(func() { s.o.Handle(ev) }) != nil {
				return nil
			}
		}
	}
}

// Send sends a hello, and reports to the device if that fails. It fails, for example,
// while the VPN instance does not exist, because then there is no socket.
func (s *Sockets) Send(h device.SendHello) {
	sock := s.open[Address{h.Local, h.VPN}]
	if sock == nil {
		s.o.Handle(device.HelloNotSent{ETrunk: h.ETrunk, Path: h.Path})
		return
	}
	if err := sock.conn.Send(h.Local, netip.AddrPortFrom(h.Peer, sock.Port), 0, h.Packet); err != nil {
		s.o.Handle(device.HelloNotSent{ETrunk: h.ETrunk, Path: h.Path})
		s.failed(h.Path, err)
		return
	}
	delete(s.failing, h.Path)
}

// failed logs that hellos cannot be sent on a path. It logs this once for a path, until a
// hello is sent on it again.
func (s *Sockets) failed(path etrunk.Path, err error) {
	if !s.failing[path] {
		s.failing[path] = true
		s.o.Emit(event.HelloNotSent.With(path.Peer, err))
	}
}

// HandOver stops the readers and returns the sockets for a successor. It leaves out those
// of VPN instances, because several of them may have the same address and the successor
// could not distinguish them.
func (s *Sockets) HandOver() (sockets []*os.File) {
	for at, sock := range s.open {
		file := sock.conn.HandOver()
		if at.VPN == "" {
			sockets = append(sockets, file)
		}
	}
	return sockets
}

// Close closes all sockets. Then their readers end.
func (s *Sockets) Close() {
	for _, sock := range s.open {
		sock.conn.Close()
	}
}
