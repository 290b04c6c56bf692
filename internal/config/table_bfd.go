package config

import (
	"fmt"
	"net/netip"
	"time"

	"tandem/internal/bfd"
	"tandem/internal/command"
)

// bindSyntax permits the source before or after the interface, as the two forms of VRP do.
const bindSyntax = "bind peer-ipv6 <peer:unicast> [ vpn-instance <vpn:vpn> ] { [ source-ipv6 <source:unicast> ] [ interface <interface> ] " +
	bindEnd + " | interface <interface> source-ipv6 <source:unicast> " + bindEnd + " }"

const bindEnd = "[ track-interface interface <track:interface> ] [ auto ]"

func bfdEntries() []entry {
	open := opener("bfd <session:string(1..64)> [ "+bindSyntax+" ]", "Create a BFD session and enter its view", openSession,
		remover(func(m *Model) map[string]*BFDSession { return m.Sessions }, "session"))
	return append([]entry{open}, settings(ViewSession, func(m *Model, v View) *BFDSession { return m.Sessions[v.Name] },
		description(func(s *BFDSession) *string { return &s.Description }),
		discriminator("local", "16384", func(s *BFDSession) *uint32 { return &s.LocalDiscriminator }),
		discriminator("remote", "4294967295", func(s *BFDSession) *uint32 { return &s.RemoteDiscriminator }),
		duration("min-tx-interval <milliseconds:3..20000>", "Set the time between the packets that are sent", time.Millisecond,
			func(s *BFDSession) *time.Duration { return &s.MinTx }, bfd.DefaultInterval),
		duration("min-rx-interval <milliseconds:3..20000>", "Set the time between the packets that are wanted", time.Millisecond,
			func(s *BFDSession) *time.Duration { return &s.MinRx }, bfd.DefaultInterval),
		number("detect-multiplier <multiplier:3..50>", "Set how many packets must be missed for the session to go down",
			func(s *BFDSession) *uint8 { return &s.DetectMult }, bfd.DefaultDetectMult),
		number("tos-exp <class:0..7>", "Set the traffic class precedence of the packets", func(s *BFDSession) *uint8 { return &s.TOSExp }, defaultTOSExp),
		duration("wtr <minutes:1..60>", "Set how long a session that was lost has to be up until this is told", time.Minute,
			func(s *BFDSession) *time.Duration { return &s.WaitToRestore }, 0),
		flag("process-interface-status", "Take the session's interface for down while the session is lost",
			func(s *BFDSession) *bool { return &s.ProcessInterface }, false),
		flag("shutdown", "Hold the session down", func(s *BFDSession) *bool { return &s.Shutdown }, false),
	)...)
}

func discriminator(end, highest string, field func(*BFDSession) *uint32) setting[BFDSession] {
	return number("discriminator "+end+" <discriminator:1.."+highest+">", "Set the discriminator of the "+end+" end", field, 0)
}

// openSession enters the view of a session. A new session must be bound. The binding of an
// existing session cannot be changed.
func openSession(e *Editor, a command.Args) (View, error) {
	name := a.String("session")
	s := e.Model.Session(name)
	if !a.Has("bind") {
		if s == nil {
			return View{}, fmt.Errorf("unknown BFD session %s; %s", name, known(e.Model.Sessions))
		}
		return View{ViewSession, s.Name}, nil
	}
	bound := newBFDSession(name)
	bound.Peer, bound.Local = a.Addr("peer"), a.Addr("source")
	bound.VPN, bound.Auto = command.Get[string](a, "vpn"), a.Has("auto")
	bound.Interface = command.Get[InterfaceName](a, "interface")
	bound.TrackInterface = command.Get[InterfaceName](a, "track")
	switch {
	case bound.Peer == bound.Local:
		return View{}, fmt.Errorf("the peer and the source have the same address %v", bound.Peer)
	case bound.Interface == "" && bound.Peer.IsLinkLocalUnicast():
		return View{}, fmt.Errorf("the peer %v is link-local; name the interface it is on", bound.Peer)
	case s == nil:
		s = bound
		e.Model.Sessions[name] = s
	case s.binding() != bound.binding():
		return View{}, fmt.Errorf("BFD session %s is already bound: %s; undo it first", s.Name, s.binding())
	}
	return View{ViewSession, s.Name}, nil
}

// binding returns the part of the session's heading that contains its binding.
func (s *BFDSession) binding() string {
	line := fmt.Sprintf("bind peer-ipv6 %v", s.Peer)
	if s.VPN != "" {
		line += " vpn-instance " + s.VPN
	}
	if s.Local != (netip.Addr{}) {
		line += fmt.Sprintf(" source-ipv6 %v", s.Local)
	}
	if s.Interface != "" {
		line += " interface " + string(s.Interface)
	}
	if s.TrackInterface != "" {
		line += " track-interface interface " + string(s.TrackInterface)
	}
	if s.Auto {
		line += " auto"
	}
	return line
}
