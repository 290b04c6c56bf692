package bfdsession

import (
	"math/rand/v2"
	"slices"

	"tandem/internal/bfd"
	"tandem/internal/config"
	"tandem/internal/state"
)

// Configure replaces the sessions by those of a configuration that can run now. It
// returns the error of [bfdloop.Loop.Configure]: a port is in use, or a session is
// invalid. The caller calls Follow after it has given the configuration to the device,
// too.
func (s *Sessions) Configure(m *config.Model) error {
	s.model = m
	return s.bfd.Configure(s.configs())
}

// configs returns the configurations of the sessions that can run, sorted by name.
func (s *Sessions) configs() []bfd.Config {
	var configs []bfd.Config
	all := s.model.AllSessions()
	s.state.giveDiscriminators(all)
	for _, c := range all {
		if s.missing(c) == "" {
			configs = append(configs, s.config(c))
		}
	}
	return configs
}

// Discriminators that the device allocates are above those that an operator can configure.
const (
	firstDiscriminator = 16385
	givenDiscriminator = 1 << 30 // the number of such discriminators
)

// giveDiscriminators allocates a random local discriminator (RFC 5880, section 6.8.1) for each
// session without a configured one. The session keeps it while it is configured.
func (s *State) giveDiscriminators(sessions []*config.BFDSession) {
	given := make(map[string]uint32)
	taken := make(map[uint32]bool)
	for _, c := range sessions {
		if before, known := s.Discriminators[c.Name]; known && c.Auto {
			given[c.Name], taken[before] = before, true
		}
	}
	for _, c := range sessions {
		for c.Auto && given[c.Name] == 0 {
			if d := firstDiscriminator + rand.Uint32N(givenDiscriminator); !taken[d] {
				given[c.Name], taken[d] = d, true
			}
		}
	}
	s.Discriminators = given
}

// missing says why a configured session cannot run now. The result is empty if the
// session can run.
func (s *Sessions) missing(c *config.BFDSession) string {
	switch {
	case !s.model.BFD:
		return "BFD is not enabled globally"
	case c.VPN != "" && s.o.Links.VRF(c.VPN) == 0:
		return "vpn-instance " + c.VPN + " does not exist"
	case c.Auto:
		return ""
	case c.LocalDiscriminator == 0:
		return "no local discriminator is configured"
	case c.RemoteDiscriminator == 0:
		return "no remote discriminator is configured"
	}
	return ""
}

func (s *Sessions) config(c *config.BFDSession) bfd.Config {
	cfg := bfd.Config{
		Name: c.Name, Peer: c.Peer, Local: c.Local,
		LocalDiscriminator: c.LocalDiscriminator, RemoteDiscriminator: c.RemoteDiscriminator,
		MinTx: c.MinTx, MinRx: c.MinRx, DetectMult: c.DetectMult, WaitToRestore: c.WaitToRestore, ProcessInterface: c.ProcessInterface,
		Shutdown: c.Shutdown, TOSExp: c.TOSExp, Description: c.Description,
		Adaptive: true, VRF: c.VPN, Auto: c.Auto, Dynamic: c.Dynamic,
	}
	if c.VPN != "" {
		cfg.VRFIndex = s.o.Links.VRF(c.VPN)
	}
	if c.Auto {
		cfg.LocalDiscriminator = s.state.Discriminators[c.Name]
	}
	if c.Interface != "" {
		cfg.Interface = s.o.Links.Netdev(c.Interface)
	}
	if c.TrackInterface != "" {
		cfg.TrackInterface = s.o.Links.Netdev(c.TrackInterface)
	}
	return cfg
}

// List returns the configured BFD sessions, including those that do not run.
func (s *Sessions) List() []bfd.SessionState {
	states := s.bfd.Snapshot()
	_ = s.o.Loop.Call(func() {
		for _, c := range s.model.AllSessions() {
			if slices.ContainsFunc(states, func(st bfd.SessionState) bool { return st.Name == c.Name }) {
				continue
			}
			why := s.missing(c)
			if why == "" {
				why = "BFD is being started"
			}
			states = append(states, bfd.SessionState{Config: s.config(c), State: bfd.Down, NotUpReason: why})
		}
	})
	return states
}

// Statistics returns the counters of BFD.
func (s *Sessions) Statistics() state.BFDStatistics {
	status := s.bfd.Status()
	counted := state.BFDStatistics{
		Counters: status.Counters,
		Priority: status.Priority.String(),
		MaxLate:  status.MaxLate, Late: status.Late,
		SendErrors: status.SendErrors, ReceiveErrors: status.ReceiveErrors, LastError: status.LastError,
		Starts: max(status.HelperStarts, 1), Stalled: status.Stalled, Stalls: status.Stalls,
	}
	_ = s.o.Loop.Call(func() { counted.Ups, counted.Downs = s.state.Ups, s.state.Downs })
	return counted
}
