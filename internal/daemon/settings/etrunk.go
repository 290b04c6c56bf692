package settings

import (
	"fmt"
	"maps"
	"slices"

	"tandem/internal/config"
	"tandem/internal/daemon/netif"
	"tandem/internal/etrunk"
)

func (t Translation) eTrunk(e *config.ETrunk) (etrunk.Config, error) {
	m := t.Model
	cfg := etrunk.Config{
		ID:            e.ID,
		Description:   e.Description,
		Priority:      e.Priority,
		SystemID:      t.systemID(),
		Key:           e.Key.Reveal(),
		Local:         e.Local,
		Peer:          e.Peer,
		VPN:           e.VPN,
		Heartbeats:    slices.Clone(e.Heartbeats),
		HelloInterval: e.HelloInterval,
		Multiplier:    int(e.Multiplier),
		RevertDelay:   e.RevertDelay,
		RevertDisable: e.RevertDisable,
		Sequence:      e.Sequence,
		DeviceID:      t.DeviceID,
		Certificate:   t.Certificate,
		AuthMode:      e.AuthMode,
	}
	session, err := m.BoundSession(e)
	if err != nil {
		return cfg, fmt.Errorf("e-trunk %d: %w", e.ID, err)
	}
	if session != nil {
		cfg.BFDSession = session.Name
	}
	for _, member := range m.Members(e.ID) {
		cfg.Members = append(cfg.Members, etrunk.MemberConfig{
			ID: member.EthTrunk, RemoteID: member.RemoteEthTrunk, Mode: member.Mode, Work: workMode(m, member.EthTrunk),
		})
	}
	shared := netif.SharedSystem(m, e)
	cfg.LACP, cfg.Profiles = etrunk.LACPSystem{ID: shared.System, Priority: shared.Priority}, trunkProfiles(m, e.ID)
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

// trunkProfiles returns the profiles whose role follows an E-Trunk.
func trunkProfiles(m *config.Model, eTrunk uint32) []etrunk.Profile {
	var profiles []etrunk.Profile
	for _, name := range slices.Sorted(maps.Keys(m.Profiles)) {
		if p := m.Profiles[name]; p.ETrunk == eTrunk {
			profiles = append(profiles, etrunk.Profile{Member: p.EthTrunk, BackupID: p.BackupID, Hot: p.Hot, MLD: p.MLD})
		}
	}
	return profiles
}

// systemID returns the configured system ID, or one made from the device ID. The device
// ID does not change with a network card, so neither does the election.
func (t Translation) systemID() etrunk.SystemID {
	if t.Model.LACPSystemID != (config.MAC{}) {
		return etrunk.SystemID(t.Model.LACPSystemID)
	}
	return netif.OwnSystem(t.DeviceID)
}
