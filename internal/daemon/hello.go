package daemon

import (
	"bytes"
	"fmt"
	"net/netip"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/event"
	"tandem/internal/linux/inherit"
	"tandem/internal/linux/udp"
)

// helloSocket carries the E-Trunk hellos of one source address.
type helloSocket struct {
	conn *udp.Conn
	port uint16
}

// reconcileHellos opens and closes sockets so that there is one for every
// source address of an E-Trunk.
func (d *Daemon) reconcileHellos(sources map[netip.Addr]bool, port uint16) error {
	for addr, h := range d.hellos {
		if !sources[addr] || h.port != port {
			h.conn.Close()
			delete(d.hellos, addr)
		}
	}
	for addr := range sources {
		if d.hellos[addr] != nil {
			continue
		}
		conn, err := d.openHellos(netip.AddrPortFrom(addr, port))
		if err != nil {
			return fmt.Errorf("E-Trunk hellos: %w", err)
		}
		h := &helloSocket{conn: conn, port: port}
		d.hellos[addr] = h
		d.readers.Go(func() { d.readHellos(h) })
	}
	return nil
}

// openHellos takes over the socket that a daemon before this one had, or opens one.
func (d *Daemon) openHellos(local netip.AddrPort) (*udp.Conn, error) {
	if file := d.inherited(helloFile, local); file != nil {
		if fd, err := inherit.Descriptor(file); err == nil {
			return udp.Adopt(fd)
		}
	}
	return udp.Listen(udp.Config{Local: local, FreeBind: true})
}

func (d *Daemon) readHellos(h *helloSocket) {
	batch := udp.NewBatch(16, etrunk.MaxPacket+1)
	for {
		messages, err := h.conn.Read(batch)
		if err != nil {
			if !ended(err) {
				d.emit(event.SocketFailed.With("E-Trunk", err))
			}
			return
		}
		for _, m := range messages {
			ev := device.HelloReceived{From: m.Src.Addr().WithZone(""), Packet: bytes.Clone(m.Payload)}
			if !d.post(ev) {
				return
			}
		}
	}
}
