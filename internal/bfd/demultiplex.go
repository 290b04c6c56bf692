package bfd

import (
	"errors"
	"net/netip"

	"tandem/internal/instant"
)

// endpoints identifies the session of a packet while the peer does not yet send the local
// discriminator (RFC 5881, section 3). It includes the interface, because two links may
// have the same link-local addresses, and the VRF, because two VRFs may have the same
// addresses.
type endpoints struct {
	iface, vrf  string
	peer, local netip.Addr
}

func (c Config) endpoints() endpoints { return endpoints{c.Interface, c.VRF, c.Peer, c.Local} }

// Receive decodes the UDP payload b, finds its session and gives the packet to it. If the
// packet is dropped, Receive counts it and returns the DropCause.
func (t *Table) Receive(now instant.Time, m *Meta, b []byte, fx *Effects) error {
	defer t.countSent(len(fx.Sends), fx)
	t.counters.Received++
	err := t.receive(now, m, b, fx)
	var cause DropCause
	if errors.As(err, &cause) {
		t.counters.drop(cause)
	}
	return err
}

func (t *Table) receive(now instant.Time, m *Meta, b []byte, fx *Effects) error {
	if !m.Multihop && m.HopLimit != 255 {
		return DropHopLimit
	}
	var p Packet
	if err := p.Parse(b); err != nil {
		return err
	}
	s, err := t.find(m, p.YourDiscriminator)
	if err != nil {
		return err
	}
	t.woke(now, s, fx)
	err = s.Receive(now, m, &p, fx)
	if err == nil {
		s.NoteLate(now, m.Waited, CauseQueue, fx)
	}
	t.schedule(now, s)
	return err
}

// find returns the session of a packet (RFC 5880, section 6.3). It finds the session by
// the local discriminator alone. Then the peer's address and the interface must be those
// of the session.
func (t *Table) find(m *Meta, discriminator uint32) (*session, error) {
	iface := ""
	if !m.Multihop {
		iface = t.names[m.Ifindex]
		if iface == "" {
			return nil, DropInterface
		}
	}
	src, dst := m.Src.WithZone(""), m.Dst.WithZone("")
	if discriminator == 0 {
		if s, ok := t.byEndpoints[endpoints{iface, m.VRF, src, dst}]; ok {
			return s, nil
		}
		if s, ok := t.byEndpoints[endpoints{iface, m.VRF, src, netip.Addr{}}]; ok {
			return s, nil
		}
		return nil, DropNoSession
	}
	s, ok := t.byDiscriminator[discriminator]
	switch {
	case !ok:
		return nil, DropNoSession
	case s.cfg.Interface != iface, s.cfg.VRF != m.VRF:
		return nil, DropInterface
	case s.cfg.Peer != src || s.cfg.Local.IsValid() && s.cfg.Local != dst:
		return nil, DropAddress
	}
	return s, nil
}
