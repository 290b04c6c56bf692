package daemon

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"tandem/internal/config"
	"tandem/internal/daemon/channel"
	"tandem/internal/daemon/hello"
	"tandem/internal/daemon/netif"
	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/pki"
	"tandem/internal/rbs"
)

// reconnectBackoff bounds the wait between two attempts to reach the peer: while
// the channel is down, new listeners are known to one device only.
const reconnectBackoff = time.Second

// settings translates a configuration into what the device is to do.
func (d *Daemon) settings(m *config.Model) (device.Settings, error) {
	s := device.Settings{
		Interfaces: make(map[string]device.InterfaceSettings),
		ETrunks:    make(map[uint32]etrunk.Config),
		Legs:       make(map[device.Member]device.LegSettings),
		Services:   make(map[string]device.ServiceSettings),
		Profiles:   make(map[string]device.ProfileSettings),
	}
	if m.Multicast {
		for _, i := range m.Interfaces {
			if i.MLD.Enabled || i.MLD.Proxy {
				s.Interfaces[string(i.Name)] = d.interfaceSettings(m, i)
			}
		}
	}
	s.RecordLimit = int(m.MLD.Limit)
	for _, t := range m.ETrunks {
		cfg, err := d.trunkSettings(m, t)
		if err != nil {
			return s, err
		}
		s.ETrunks[t.ID] = cfg
		for _, member := range cfg.Members {
			name := config.EthTrunkName(member.ID)
			leg := device.LegSettings{Netdev: d.links.Netdev(name)}
			if i := m.Interfaces[name]; i != nil {
				leg.Shutdown, leg.LACP = i.Shutdown, i.Mode == config.LACPStatic
			}
			s.Legs[device.Member{ETrunk: t.ID, EthTrunk: member.ID}] = leg
		}
	}
	for name, svc := range m.Services {
		s.Services[name] = device.ServiceSettings{
			Config: rbs.Config{
				Name: name, Local: svc.Local, Peer: svc.Peer, Port: svc.Port,
				Enabled:    svc.Local.IsValid() && svc.Peer.IsValid(),
				BackoffMax: reconnectBackoff,
			},
			Retention:  svc.Retention,
			BFDSession: trackedSession(m, svc),
		}
	}
	for name, p := range m.Profiles {
		ps := device.ProfileSettings{
			BackupID: p.BackupID, MLD: p.MLD, Hot: p.Hot,
			Member: device.Member{ETrunk: p.ETrunk, EthTrunk: p.EthTrunk},
		}
		if svc := m.Service(p.Service); svc != nil {
			ps.Service = svc.Name
		}
		s.Profiles[name] = ps
	}
	return s, nil
}

func (d *Daemon) trunkSettings(m *config.Model, t *config.ETrunk) (etrunk.Config, error) {
	cfg := etrunk.Config{
		ID:            t.ID,
		Description:   t.Description,
		Priority:      t.Priority,
		SystemID:      d.systemID(m),
		Key:           t.Key.Reveal(),
		Local:         t.Local,
		Peer:          t.Peer,
		VPN:           t.VPN,
		HelloInterval: t.HelloInterval,
		Multiplier:    int(t.Multiplier),
		RevertDelay:   t.RevertDelay,
		RevertDisable: t.RevertDisable,
		Sequence:      t.Sequence,
		DeviceID:      d.opts.DeviceID,
		AuthMode:      etrunk.HMACSHA256,
	}
	if t.AuthMode == config.EnhancedHMACSHA256 {
		cfg.AuthMode = etrunk.EnhancedHMACSHA256
	}
	session, err := m.BoundSession(t)
	if err != nil {
		return cfg, fmt.Errorf("e-trunk %d: %w", t.ID, err)
	}
	if session != nil {
		cfg.BFDSession = session.Name
	}
	for _, member := range m.Members(t.ID) {
		mode := map[config.MemberMode]etrunk.MemberMode{
			config.Auto: etrunk.Auto, config.ForceMaster: etrunk.ForceMaster, config.ForceBackup: etrunk.ForceBackup,
		}[member.Mode]
		cfg.Members = append(cfg.Members, etrunk.MemberConfig{
			ID: member.EthTrunk, RemoteID: member.RemoteEthTrunk, Mode: mode, Work: workMode(m, member.EthTrunk),
		})
	}
	shared := netif.SharedSystem(m, t)
	cfg.LACP, cfg.Profiles = etrunk.LACPSystem{ID: shared.System, Priority: shared.Priority}, trunkProfiles(m, t.ID)
	return cfg, nil
}

func workMode(m *config.Model, ethTrunk uint32) etrunk.WorkMode {
	switch i := m.Interfaces[config.EthTrunkName(ethTrunk)]; {
	case i == nil:
		return etrunk.WorkUnknown
	case i.Mode == config.LACPStatic:
		return etrunk.WorkLACP
	}
	return etrunk.WorkManual
}

// trunkProfiles lists the profiles that have their role from an E-Trunk.
func trunkProfiles(m *config.Model, eTrunk uint32) []etrunk.Profile {
	var profiles []etrunk.Profile
	for _, name := range slices.Sorted(maps.Keys(m.Profiles)) {
		if p := m.Profiles[name]; p.ETrunk == eTrunk {
			profiles = append(profiles, etrunk.Profile{Member: p.EthTrunk, BackupID: p.BackupID, Hot: p.Hot, MLD: p.MLD})
		}
	}
	return profiles
}

// systemID is the configured one or, so that exchanging a network card does not
// change the election, one made of the device's identity.
func (d *Daemon) systemID(m *config.Model) etrunk.SystemID {
	if m.LACPSystemID != (config.MAC{}) {
		return etrunk.SystemID(m.LACPSystemID)
	}
	return netif.OwnSystem(d.opts.DeviceID)
}

func trackedSession(m *config.Model, svc *config.Service) string {
	for _, s := range m.Sessions {
		if svc.TrackBFD != 0 && s.LocalDiscriminator == svc.TrackBFD {
			return s.Name
		}
	}
	return ""
}

// multicastNetdevs lists the Linux names of the multicast interfaces.
func (d *Daemon) multicastNetdevs() []string {
	var names []string
	for _, i := range d.model.Interfaces {
		if d.model.Multicast && (i.MLD.Enabled || i.MLD.Proxy) {
			names = append(names, d.links.Netdev(i.Name))
		}
	}
	return names
}

// policies lists the SSL policies of the services that speak TLS, by service.
func policies(m *config.Model) map[string]channel.Policy {
	all := make(map[string]channel.Policy)
	for name, service := range m.Services {
		if p := m.SSLPolicy(service.SSLPolicy); p != nil {
			all[name] = channel.Policy{Name: p.Name, Files: pki.Files{CA: p.CA, Certificate: p.Certificate, Key: p.Key}}
		}
	}
	return all
}

// helloSockets lists the sockets for the hellos of the E-Trunks: one for every source address of
// which the VPN instance, where it is in one, exists.
func (d *Daemon) helloSockets(m *config.Model) map[hello.Address]hello.Binding {
	all := make(map[hello.Address]hello.Binding)
	for _, t := range m.ETrunks {
		vrf := d.links.VRF(t.VPN)
		if t.Local.IsValid() && (t.VPN == "" || vrf != 0) {
			all[hello.Address{Local: t.Local, VPN: t.VPN}] = hello.Binding{Port: m.ETrunkPort, VRF: vrf, Share: len(m.VPNs) > 0}
		}
	}
	return all
}
