// Package settings translates a configuration into the settings of the device and of the owners
// of sockets. It replaces interface names by Linux names, resolves references to other objects,
// and fills in defaults.
package settings

import (
	"net/netip"
	"time"

	"tandem/internal/config"
	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/pki"
	"tandem/internal/rbs"
)

// Links looks up network interfaces.
type Links interface {
	// Netdev returns the Linux name of an interface of the configuration.
	Netdev(config.InterfaceName) string
	// VRF returns the index of a VPN instance's VRF, 0 while there is none.
	VRF(vpn string) int
	// Addresses returns the addresses of an interface of the configuration.
	Addresses(config.InterfaceName) []netip.Prefix
}

// Translation translates one configuration, with the links as they are now.
type Translation struct {
	Model    *config.Model
	Links    Links
	DeviceID uint64 // persistent, different from the peer's
	// Certificate is the SHA-256 of the certificate by which the peer knows this device.
	Certificate pki.Fingerprint
}

// reconnectBackoff bounds the wait between two attempts to connect to the peer. It is
// short, because while the channel is down the peer does not learn of new listeners.
const reconnectBackoff = time.Second

// Device returns the settings of the device. It returns an error if an E-Trunk tracks BFD and
// is not bound to exactly one session.
func (t Translation) Device() (device.Settings, error) {
	s := device.Settings{
		Interfaces:  t.interfaces(),
		ETrunks:     make(map[uint32]etrunk.Config),
		Legs:        make(map[device.Member]device.LegSettings),
		Services:    t.services(),
		Profiles:    t.profiles(),
		RecordLimit: int(t.Model.MLD.Limit),
		// Every plane watches streams, or reports that it cannot.
		WatchesStreams: true,
	}
	for id, e := range t.Model.ETrunks {
		cfg, err := t.eTrunk(e)
		if err != nil {
			return s, err
		}
		s.ETrunks[id] = cfg
		for _, member := range cfg.Members {
			s.Legs[device.Member{ETrunk: id, EthTrunk: member.ID}] = t.leg(member.ID)
		}
	}
	return s, nil
}

func (t Translation) leg(ethTrunk uint32) device.LegSettings {
	name := config.EthTrunkName(ethTrunk)
	leg := device.LegSettings{Netdev: t.Links.Netdev(name)}
	if i := t.Model.Interfaces[name]; i != nil {
		leg.Shutdown, leg.LACP = i.Shutdown, i.Mode == config.LACPStatic
	}
	return leg
}

func (t Translation) services() map[string]device.ServiceSettings {
	all := make(map[string]device.ServiceSettings)
	for name, svc := range t.Model.Services {
		all[name] = device.ServiceSettings{
			Config: rbs.Config{
				Name: name, Local: svc.Local, Peer: svc.Peer, Port: svc.Port,
				Enabled:    svc.Local.IsValid() && svc.Peer.IsValid(),
				BackoffMax: reconnectBackoff,
			},
			Pinned:     svc.Pinned(),
			ETrunks:    t.Model.LeadTo(svc),
			Retention:  svc.Retention,
			BFDSession: trackedSession(t.Model, svc),
		}
	}
	return all
}

// trackedSession returns the name of the BFD session that a service tracks, empty for none.
func trackedSession(m *config.Model, svc *config.Service) string {
	for _, s := range m.Sessions {
		if svc.TrackBFD != 0 && s.LocalDiscriminator == svc.TrackBFD {
			return s.Name
		}
	}
	return ""
}

func (t Translation) profiles() map[string]device.ProfileSettings {
	all := make(map[string]device.ProfileSettings)
	for name, p := range t.Model.Profiles {
		profile := device.ProfileSettings{
			BackupID: p.BackupID, MLD: p.MLD, Hot: p.Hot,
			Member: device.Member{ETrunk: p.ETrunk, EthTrunk: p.EthTrunk},
		}
		if svc := t.Model.Service(p.Service); svc != nil {
			profile.Service = svc.Name
		}
		all[name] = profile
	}
	return all
}
