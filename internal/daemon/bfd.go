package daemon

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"tandem/internal/bfd"
	"tandem/internal/config"
	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/event"
)

// StallLimit is how long no turn may end until the daemon's BFD sessions go down, so
// that the peer takes over from a process that was stopped or hangs. The kernel
// forwards meanwhile what was set, so it need not be short; it must be longer than the
// longest turn.
const StallLimit = 3 * time.Second

// beatInterval is how often an idle daemon takes a turn, which says that it is alive.
const beatInterval = StallLimit / 6

// WhileAlive calls f now and then, as long as turns can be taken, until ctx ends.
func (d *Daemon) WhileAlive(ctx context.Context, every time.Duration, f func()) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for d.call(f) == nil {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// sessionNews is what the users of BFD sessions have been told. It turns what the
// BFD loop says into news that are told once each.
type sessionNews struct {
	last       map[string]etrunk.BFDState // by session, BFDPending where nothing is known
	ups, downs uint64
}

// take returns the state that a session's users are to be told; told is false where
// they know. A peer that says AdminDown has not failed (RFC 5882, section 3.2), and a
// session that never was Up cannot go down.
func (n *sessionNews) take(ev bfd.Event) (state etrunk.BFDState, told bool) {
	before, known := n.last[ev.Session]
	if !known {
		before = etrunk.BFDPending
	}
	switch {
	case ev.State == bfd.Up:
		state = etrunk.BFDUp
	case ev.State == bfd.Init:
		return before, false
	case ev.State == bfd.Down && ev.Remote != bfd.AdminDown:
		if before != etrunk.BFDUp {
			return before, false
		}
		state = etrunk.BFDDown
	default:
		state = etrunk.BFDPending
	}
	if state == before {
		return before, false
	}
	switch state {
	case etrunk.BFDUp:
		n.ups++
	case etrunk.BFDDown:
		n.downs++
	}
	n.last[ev.Session] = state
	return state, true
}

// readBFD tells the device what the BFD loop tells.
func (d *Daemon) readBFD(context.Context) error {
	for ev := range d.bfd.Events() {
		if d.turn(func() { d.sessionChanged(ev) }) != nil {
			break
		}
	}
	return nil
}

func (d *Daemon) sessionChanged(ev bfd.Event) {
	state, told := d.sessions.take(ev)
	if !told {
		return
	}
	at := d.origin.Add(ev.At).Format(time.RFC3339Nano)
	switch state {
	case etrunk.BFDUp:
		d.emit(event.BFDUp.With(ev.Session, at))
	case etrunk.BFDDown:
		d.emit(event.BFDDown.With(ev.Session, ev.Diagnostic, at))
	default:
		d.emit(event.BFDShutDown.With(ev.Session, ev.Remote, at))
	}
	d.device.Handle(d.now(), device.BFDChanged{Session: ev.Session, State: state, Heard: ev.Heard})
	d.followSessions()
}

// followSessions takes for down the interfaces of which a session was lost
// (`process-interface-status`), and for up again those that have it back.
func (d *Daemon) followSessions() {
	lost := make(map[string]bool)
	for _, s := range d.model.Sessions {
		if d.model.BFD && s.ProcessInterface && !s.Shutdown && d.sessions.last[s.Name] == etrunk.BFDDown {
			lost[d.links.Netdev(s.Interface)] = true
		}
	}
	before := d.lostLinks
	d.lostLinks = lost
	for link := range d.links.All() {
		if lost[link.Name] != before[link.Name] && link.Up {
			d.emit(event.InterfaceFollowsBFD.With(link.Name, !lost[link.Name]))
			d.tellLink(link)
		}
	}
}

// bfdConfigs lists the sessions that can run, by name.
func (d *Daemon) bfdConfigs(m *config.Model) []bfd.Config {
	var sessions []bfd.Config
	all := m.AllSessions()
	d.giveDiscriminators(all)
	for _, s := range all {
		if d.notStarted(m, s) == "" {
			sessions = append(sessions, d.bfdConfig(s))
		}
	}
	return sessions
}

// Discriminators that the device gives are above those that an operator can give.
const (
	firstDiscriminator = 16385
	givenDiscriminator = 1 << 30 // how many there are
)

// giveDiscriminators gives the sessions that find them out a local one each, at random
// (RFC 5880, section 6.8.1), and keeps it while the session is configured.
func (d *Daemon) giveDiscriminators(sessions []*config.BFDSession) {
	kept := make(map[string]uint32)
	taken := make(map[uint32]bool)
	for _, s := range sessions {
		if given, known := d.discriminators[s.Name]; known && s.Auto {
			kept[s.Name], taken[given] = given, true
		}
	}
	for _, s := range sessions {
		for s.Auto && kept[s.Name] == 0 {
			if given := firstDiscriminator + rand.Uint32N(givenDiscriminator); !taken[given] {
				kept[s.Name], taken[given] = given, true
			}
		}
	}
	d.discriminators = kept
}

// notStarted says why a configured session does not run, empty when it does.
func (d *Daemon) notStarted(m *config.Model, s *config.BFDSession) string {
	switch {
	case !m.BFD:
		return "BFD is not enabled globally"
	case s.VPN != "" && d.links.VRF(s.VPN) == 0:
		return "vpn-instance " + s.VPN + " does not exist"
	case s.Auto:
		return ""
	case s.LocalDiscriminator == 0:
		return "no local discriminator is configured"
	case s.RemoteDiscriminator == 0:
		return "no remote discriminator is configured"
	}
	return ""
}

func (d *Daemon) bfdConfig(s *config.BFDSession) bfd.Config {
	cfg := bfd.Config{
		Name: s.Name, Peer: s.Peer, Local: s.Local,
		LocalDiscriminator: s.LocalDiscriminator, RemoteDiscriminator: s.RemoteDiscriminator,
		MinTx: s.MinTx, MinRx: s.MinRx, DetectMult: s.DetectMult, WaitToRestore: s.WaitToRestore, ProcessInterface: s.ProcessInterface,
		Shutdown: s.Shutdown, TOSExp: s.TOSExp, Description: s.Description,
		VRF: s.VPN, Auto: s.Auto, Dynamic: s.Dynamic,
	}
	if s.VPN != "" {
		cfg.VRFIndex = d.links.VRF(s.VPN)
	}
	if s.Auto {
		cfg.LocalDiscriminator = d.discriminators[s.Name]
	}
	if s.Interface != "" {
		cfg.Interface = d.links.Netdev(s.Interface)
	}
	if s.TrackInterface != "" {
		cfg.TrackInterface = d.links.Netdev(s.TrackInterface)
	}
	return cfg
}

// BFD lists the configured BFD sessions, those too that do not run.
func (d *Daemon) BFD() []bfd.SessionState {
	states := d.bfd.Snapshot()
	_ = d.call(func() {
		for _, s := range d.model.AllSessions() {
			if slices.ContainsFunc(states, func(st bfd.SessionState) bool { return st.Name == s.Name }) {
				continue
			}
			why := d.notStarted(d.model, s)
			if why == "" {
				why = "BFD is being started"
			}
			states = append(states, bfd.SessionState{Config: d.bfdConfig(s), State: bfd.Down, NotUpReason: why})
		}
	})
	return states
}

// BFDStatistics tells what is counted of BFD.
func (d *Daemon) BFDStatistics() bfd.Statistics {
	status := d.bfd.Status()
	s := bfd.Statistics{
		Counters: status.Counters,
		Priority: status.Priority.String(),
		MaxLate:  status.MaxLate, Late: status.Late,
		SendErrors: status.SendErrors, ReceiveErrors: status.ReceiveErrors, LastError: status.LastError,
		Starts: max(status.HelperStarts, 1), Stalled: status.Stalled, Stalls: status.Stalls,
	}
	_ = d.call(func() { s.Ups, s.Downs = d.sessions.ups, d.sessions.downs })
	return s
}
