// Package hello owns the UDP sockets over which E-Trunks exchange their hellos
// (docs/protocol/etrunk.md). What hellos say, and when they are sent, is the device's.
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
	// Handle tells the device of an event, within a turn.
	Handle func(device.Event)
	// Emit tells people of an event. It is called from any goroutine.
	Emit func(event.Event)
	// Readers has the goroutines that read. They end when their socket is closed or handed
	// over, and have told what they read by then.
	Readers *task.Group
	// Inherited returns the socket that a predecessor has left for an address, and for a
	// VPN instance's VRF where vpn is not empty; nil for none.
	Inherited func(at netip.AddrPort, vpn string) *os.File
}

// Address is where hellos are sent from.
type Address struct {
	Local netip.Addr
	VPN   string // the VPN instance, which is the Linux name of its VRF; empty for none
}

// Binding is how the socket of an address is bound.
type Binding struct {
	Port uint16
	// VRF is the interface index of the VPN instance's VRF. One that was removed and made
	// anew has another, and needs another socket.
	VRF int
	// Share says that there may be a socket with the same address in another VPN instance.
	Share bool
}

// Sockets has one socket for each address. Its methods are for whoever has the turn.
type Sockets struct {
	o    Options
	open map[Address]*socket
	// failing are the paths on which the last hello could not be sent.
	failing map[etrunk.Path]bool
}

type socket struct {
	Binding
	conn *udp.Conn
}

// New returns no sockets yet.
func New(o Options) *Sockets {
	return &Sockets{o: o, open: make(map[Address]*socket), failing: make(map[etrunk.Path]bool)}
}

// Configure opens and closes sockets so that those are open that are wanted. It stops at
// the first that cannot be opened and returns why.
func (s *Sockets) Configure(wanted map[Address]Binding) error {
	for at, sock := range s.open {
		if binding, ok := wanted[at]; !ok || binding != sock.Binding {
			sock.conn.Close()
			delete(s.open, at)
		}
	}
	for at, binding := range wanted {
		if s.open[at] != nil {
			continue
		}
		conn, err := s.bind(at, binding)
		if err != nil {
			return fmt.Errorf("E-Trunk hellos: %w", err)
		}
		s.open[at] = &socket{binding, conn}
		s.o.Readers.Go("hellos", func(ctx context.Context) error { return s.read(ctx, conn, at.VPN) })
	}
	return nil
}

// bind takes over the socket that a predecessor had, or opens one.
func (s *Sockets) bind(at Address, b Binding) (*udp.Conn, error) {
	local := netip.AddrPortFrom(at.Local, b.Port)
	if file := s.o.Inherited(local, at.VPN); file != nil {
		if fd, err := inherit.Descriptor(file); err == nil {
			return udp.Adopt(fd)
		}
	}
	return udp.Listen(udp.Config{Local: local, Device: at.VPN, Share: b.Share, FreeBind: true})
}

// read tells the device of the hellos that come, until the socket is closed or handed over.
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

// Send sends a hello. The device is told when that fails: there is no socket while the
// VPN instance does not exist.
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

// failed logs that a path has come to take no hellos. It is counted for each.
func (s *Sockets) failed(path etrunk.Path, err error) {
	if !s.failing[path] {
		s.failing[path] = true
		s.o.Emit(event.HelloNotSent.With(path.Peer, err))
	}
}

// HandOver takes the sockets from their readers and returns those for a successor. Those
// of VPN instances are not among them, as the same address may be in several.
func (s *Sockets) HandOver() (sockets []*os.File) {
	for at, sock := range s.open {
		file := sock.conn.HandOver()
		if at.VPN == "" {
			sockets = append(sockets, file)
		}
	}
	return sockets
}

// Close closes all sockets, by which their readers end.
func (s *Sockets) Close() {
	for _, sock := range s.open {
		sock.conn.Close()
	}
}
