package config

import (
	"fmt"
	"net/netip"
	"time"

	"tandem/internal/command"
	"tandem/internal/rbs"
)

func serviceEntries() []entry {
	return namedObjects(ViewService, "remote-backup-service <service:string(1..64)>", "Create a remote backup service and enter its view",
		func(m *Model) map[string]*Service { return m.Services }, newService,
		servicePeer(),
		serviceSSL(),
		servicePlaintext(),
		number("track bfd-session <discriminator:1..16384>", "Drop the connection when a BFD session goes down",
			func(s *Service) *uint32 { return &s.TrackBFD }, 0),
		duration("retention <seconds:0..86400>", "Set how long listeners of a living peer are kept without it", time.Second,
			func(s *Service) *time.Duration { return &s.Retention }, defaultRetention),
	)
}

func servicePeer() setting[Service] {
	return setting[Service]{
		syntax: "peer-ipv6 <peer:global> source-ipv6 <source:global> [ port <port:1025..65535> ]",
		help:   "Set the two ends of the connection",
		set: func(s *Service, a command.Args) error {
			if err := checkEnds(a); err != nil {
				return err
			}
			s.Peer, s.Local, s.Port = a.Addr("peer"), a.Addr("source"), rbs.DefaultPort
			if a.Has("port") {
				s.Port = uint16(command.Get[uint64](a, "port"))
			}
			return nil
		},
		clear: func(s *Service, _ command.Args) error {
			s.Peer, s.Local, s.Port = netip.Addr{}, netip.Addr{}, rbs.DefaultPort
			return nil
		},
		write: func(s *Service) []string {
			if !s.Peer.IsValid() {
				return nil
			}
			line := fmt.Sprintf("peer-ipv6 %v source-ipv6 %v", s.Peer, s.Local)
			if s.Port != rbs.DefaultPort {
				line += fmt.Sprintf(" port %d", s.Port)
			}
			return []string{line}
		}}
}

func checkEnds(a command.Args) error {
	if a.Addr("peer") == a.Addr("source") {
		return fmt.Errorf("the peer and the source have the same address %v", a.Addr("peer"))
	}
	return nil
}

func profileEntries() []entry {
	return namedObjects(ViewProfile, "remote-backup-profile <profile:string(1..128)>", "Create a remote backup profile and enter its view",
		func(m *Model) map[string]*Profile { return m.Profiles }, func(name string) *Profile { return &Profile{Name: name} },
		flag("service-type mld", "Back up MLD listeners", func(p *Profile) *bool { return &p.MLD }, false),
		profileBackupID(),
		flag("peer-backup hot", "Keep the peer ready to take over at once", func(p *Profile) *bool { return &p.Hot }, false),
		profileTrunk(),
	)
}

func profileBackupID() setting[Profile] {
	return setting[Profile]{
		syntax: "backup-id <backup-id:1..4294967295> remote-backup-service <service:string(1..64)>",
		help:   "Tell the profile by a number on a remote backup service",
		set: func(p *Profile, a command.Args) error {
			p.BackupID, p.Service = uint32(a.Uint("backup-id")), a.String("service")
			return nil
		},
		clear: func(p *Profile, _ command.Args) error { p.BackupID, p.Service = 0, ""; return nil },
		write: func(p *Profile) []string {
			if p.BackupID == 0 {
				return nil
			}
			return []string{fmt.Sprintf("backup-id %d remote-backup-service %s", p.BackupID, command.Quote(p.Service))}
		}}
}

func profileTrunk() setting[Profile] {
	return setting[Profile]{
		syntax: "e-trunk <e-trunk-id:1..64> eth-trunk <eth-trunk-id:0..1023>",
		help:   "Take the role from an Eth-Trunk in an E-Trunk",
		set: func(p *Profile, a command.Args) error {
			p.ETrunk, p.EthTrunk = uint32(command.Get[uint64](a, "e-trunk-id")), uint32(command.Get[uint64](a, "eth-trunk-id"))
			return nil
		},
		clear: func(p *Profile, _ command.Args) error { p.ETrunk, p.EthTrunk = 0, 0; return nil },
		write: func(p *Profile) []string {
			if p.ETrunk == 0 {
				return nil
			}
			return []string{fmt.Sprintf("e-trunk %d eth-trunk %d", p.ETrunk, p.EthTrunk)}
		}}
}
