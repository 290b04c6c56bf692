package bfd

import (
	"tandem/internal/instant"
)

// transmit sends a packet and sets the time of the next one.
func (s *session) transmit(now instant.Time, fx *Effects) {
	if !s.path.canSend() {
		return
	}
	p := s.packet()
	p.Poll = s.timing.polling()
	s.timing.sentAt(s, now)
	s.send(p, fx)
}

// answer sends a packet with the Final bit in answer to a Poll, outside the periodic schedule
// (section 6.8.7). No packet has both bits.
func (s *session) answer(fx *Effects) {
	if !s.path.canSend() {
		return
	}
	p := s.packet()
	p.Final = true
	s.send(p, fx)
}

func (s *session) send(p Packet, fx *Effects) {
	s.sent++
	fx.Sends = append(fx.Sends, Send{
		Discriminator: s.cfg.LocalDiscriminator,
		Src:           s.cfg.Local,
		Dst:           s.cfg.Peer,
		Ifindex:       s.path.Ifindex,
		VRFIndex:      s.cfg.VRFIndex,
		Multihop:      s.cfg.Multihop(),
		TOSExp:        s.cfg.TOSExp,
		Packet:        p,
	})
}

func (s *session) packet() Packet {
	return Packet{
		Diagnostic:        s.diag,
		State:             s.state,
		DetectMult:        s.cfg.DetectMult,
		MyDiscriminator:   s.cfg.LocalDiscriminator,
		YourDiscriminator: s.remote.discriminator,
		DesiredMinTx:      s.desiredMinTx(),
		RequiredMinRx:     s.minRx(),
	}
}
