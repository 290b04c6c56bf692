package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/event"
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
		conn, err := udp.Listen(udp.Config{Local: netip.AddrPortFrom(addr, port), FreeBind: true})
		if err != nil {
			return fmt.Errorf("E-Trunk hellos: %w", err)
		}
		h := &helloSocket{conn: conn, port: port}
		d.hellos[addr] = h
		go d.readHellos(h)
	}
	return nil
}

func (d *Daemon) readHellos(h *helloSocket) {
	batch := udp.NewBatch(16, etrunk.MaxPacket+1)
	for {
		messages, err := h.conn.Read(batch)
		if err != nil {
			if !errors.Is(err, os.ErrClosed) {
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
