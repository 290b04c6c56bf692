package daemon

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/linux/inherit"
	"tandem/internal/linux/udp"
)

// helloKey tells the socket of the E-Trunks with one source address. A VRF that was
// removed and made anew has another index.
type helloKey struct {
	local    netip.Addr
	vpn      string
	vpnIndex int
	port     uint16
	share    bool // there may be one with the same address in another VPN instance
}

type helloSocket struct {
	helloKey
	conn *udp.Conn
}

// helloPlace is where hellos are sent from.
type helloPlace struct {
	local netip.Addr
	vpn   string
}

// reconcileHellos opens and closes sockets so that there is one for every source
// address of an E-Trunk whose VPN instance exists.
func (d *Daemon) reconcileHellos(trunks map[uint32]etrunk.Config, port uint16) error {
	wanted := make(map[helloPlace]helloKey)
	for _, t := range trunks {
		if index := d.links.VRF(t.VPN); t.Local.IsValid() && (t.VPN == "" || index != 0) {
			wanted[helloPlace{t.Local, t.VPN}] = helloKey{t.Local, t.VPN, index, port, len(d.model.VPNs) > 0}
		}
	}
	for place, h := range d.hellos {
		if wanted[place] != h.helloKey {
			h.conn.Close()
			delete(d.hellos, place)
		}
	}
	for place, key := range wanted {
		if d.hellos[place] != nil {
			continue
		}
		conn, err := d.openHellos(key)
		if err != nil {
			return fmt.Errorf("E-Trunk hellos: %w", err)
		}
		h := &helloSocket{helloKey: key, conn: conn}
		d.hellos[place] = h
		d.readers.Go("hellos", func(ctx context.Context) error { return d.readHellos(ctx, h) })
	}
	return nil
}

// openHellos takes over the socket that a daemon before this one had, or opens one.
func (d *Daemon) openHellos(key helloKey) (*udp.Conn, error) {
	local := netip.AddrPortFrom(key.local, key.port)
	if file := d.inherited(helloFile, local, key.vpn); file != nil {
		if fd, err := inherit.Descriptor(file); err == nil {
			return udp.Adopt(fd)
		}
	}
	return udp.Listen(udp.Config{Local: local, Device: key.vpn, Share: key.share, FreeBind: true})
}

func (d *Daemon) readHellos(ctx context.Context, h *helloSocket) error {
	batch := udp.NewBatch(16, etrunk.MaxPacket+1)
	for {
		messages, err := h.conn.Read(batch)
		if err != nil {
			if d.mayReadOn(ctx, "E-Trunk", err) {
				continue
			}
			return nil
		}
		for _, m := range messages {
			ev := device.HelloReceived{From: m.Src.Addr().WithZone(""), VPN: h.vpn, Packet: bytes.Clone(m.Payload)}
			if !d.post(ev) {
				return nil
			}
		}
	}
}
