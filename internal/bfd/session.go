package bfd

import (
	"math/rand/v2"
	"time"

	"tandem/internal/instant"
)

// session is one BFD session in asynchronous mode and in the active role.
type session struct {
	cfg  Config
	rng  *rand.Rand
	path path

	state State
	since instant.Time // when state was entered
	diag  Diagnostic   // the diagnostic that is sent: the reason of the last change of state
	last  Diagnostic   // why the session last left Up

	remote   remote
	received instant.Time // when the last accepted packet came
	// refused is a discriminator that the peer has sent in place of the configured one.
	refused uint32

	timing  timing
	pace    pace
	restore restore
	awake   instant.Time // when this device last woke late by an interval or more, see NoteLate

	ups, flaps     uint64
	upAt, downAt   instant.Time // when the session last became Up, and last left Up
	sent, accepted uint64

	place  int          // position of the session in the table's queue
	wanted instant.Time // the time for which the table had planned to call Advance
}

// remote holds the peer's variables of RFC 5880, section 6.8.1.
type remote struct {
	heard         bool // a packet of the peer has come within the detection time
	discriminator uint32
	state         State
	demand        bool
	desiredMinTx  time.Duration
	requiredMinRx time.Duration
	detectMult    uint8
}

// unheard holds the variables while no packet of the peer has come, and after the
// detection time is over.
var unheard = remote{state: Down, requiredMinRx: time.Microsecond}

// newSession returns a session in the state Down, or AdminDown if cfg says so. It does nothing
// before SetPath. cfg must be valid and complete (Config.validate, Config.withDefaults). rng
// is the source of the jitter.
func newSession(now instant.Time, cfg Config, rng *rand.Rand) *session {
	s := &session{cfg: cfg, rng: rng, state: Down, since: now, remote: unheard, place: instant.Out}
	if cfg.Shutdown {
		s.state, s.diag = AdminDown, DiagAdministrativelyDown
	}
	s.timing.apply(s)
	return s
}

// SetPath sets the state of the interfaces. While the path is not up, the session is Down
// with diagnostic 5 (its own interface), 6 (the tracked one) or 4 (path.Held). It still sends
// packets as long as its own interface is up.
func (s *session) SetPath(now instant.Time, p path, fx *Effects) {
	regained := p.canSend() && !s.path.canSend()
	s.path = p
	if !p.up() && (s.state == Init || s.state == Up) {
		s.setState(now, Down, p.diagnostic(), fx)
	}
	if regained {
		s.transmit(now, fx)
	}
}

// SetAdmin puts the session into AdminDown with diagnostic 7, or lets it start again. In
// AdminDown it goes on sending packets, so that the peer learns of the state.
func (s *session) SetAdmin(now instant.Time, shutdown bool, fx *Effects) {
	s.cfg.Shutdown = shutdown
	switch {
	case shutdown && s.state != AdminDown:
		s.setState(now, AdminDown, DiagAdministrativelyDown, fx)
	case !shutdown && s.state == AdminDown:
		s.setState(now, Down, DiagNone, fx)
	}
}

// Reconfigure applies a configuration with the same addresses, interface and discriminators.
// If the session is Up, a Poll Sequence negotiates new intervals with the peer (section
// 6.8.3).
func (s *session) Reconfigure(now instant.Time, cfg Config, fx *Effects) {
	shutdown := cfg.Shutdown
	cfg.Shutdown = s.cfg.Shutdown
	intervals := cfg.MinTx != s.cfg.MinTx || cfg.MinRx != s.cfg.MinRx
	intervals = intervals || cfg.Adaptive != s.cfg.Adaptive
	s.cfg = cfg
	if intervals {
		s.forgetPace(now, fx)
	}
	if intervals && s.state == Up {
		s.timing.startPoll()
	}
	s.timing.apply(s)
	s.timing.hasten(s)
	s.restore.at = s.since.Add(cfg.WaitToRestore)
	s.SetAdmin(now, shutdown, fx)
}

// Goodbye sends the last packet of a session. It sends AdminDown if the session was
// removed from the configuration. Otherwise it sends Down (diagnostic 4), so that the
// peer detects the failure at once, and not after its detection time.
func (s *session) Goodbye(now instant.Time, removed bool, fx *Effects) {
	if s.state == AdminDown {
		return
	}
	if removed {
		s.setState(now, AdminDown, DiagAdministrativelyDown, fx)
	} else if s.state != Down {
		s.setState(now, Down, DiagForwardingPlaneReset, fx)
	}
}

// Receive handles a packet that Table has found to belong to this session (RFC 5880,
// section 6.8.6). An error is a DropCause.
func (s *session) Receive(now instant.Time, m *Meta, p *Packet, fx *Effects) error {
	if p.Authenticated {
		return DropAuthentication
	}
	if want := s.cfg.RemoteDiscriminator; want != 0 && p.MyDiscriminator != want {
		s.refused = p.MyDiscriminator
		return DropRemoteDiscriminator
	}
	if s.state == AdminDown {
		return DropAdminDown
	}
	s.refused = 0
	s.accepted++
	s.received = max(s.received, instant.Earliest(m.Received, now))
	s.remote = remote{
		heard:         true,
		discriminator: p.MyDiscriminator,
		state:         p.State,
		demand:        p.Demand,
		desiredMinTx:  p.DesiredMinTx,
		requiredMinRx: p.RequiredMinRx,
		detectMult:    p.DetectMult,
	}
	if p.Final {
		s.timing.finishPoll(s)
	}
	if s.path.up() {
		s.step(now, p.State, fx)
	}
	s.timing.hasten(s)
	if p.Poll {
		s.answer(fx)
	}
	return nil
}

// step applies a received state to the state machine (RFC 5880, section 6.2).
func (s *session) step(now instant.Time, heard State, fx *Effects) {
	switch {
	case heard == AdminDown:
		if s.state != Down {
			s.setState(now, Down, DiagNeighborSignaledDown, fx)
		}
	case s.state == Down && heard == Down:
		s.setState(now, Init, s.diag, fx)
	case s.state == Down && heard == Init, s.state == Init && heard != Down:
		s.setState(now, Up, DiagNone, fx)
	case s.state == Up && heard == Down:
		s.setState(now, Down, DiagNeighborSignaledDown, fx)
	}
}

// setState enters a state, sends it to the peer at once and emits the event.
func (s *session) setState(now instant.Time, to State, why Diagnostic, fx *Effects) {
	from := s.state
	s.state, s.since, s.diag = to, now, why
	switch {
	case to == Up:
		s.ups++
		s.upAt = now
	case from == Up:
		s.flaps++
		s.last, s.downAt = why, now
	}
	s.timing.enter(s, from)
	s.restore.enter(s, from)
	if !s.restore.waiting {
		s.tell(now, fx)
	}
	s.transmit(now, fx)
}

func (s *session) tell(now instant.Time, fx *Effects) {
	fx.Events = append(fx.Events, Event{
		Session: s.cfg.Name, State: s.state, Remote: s.remote.state, Diagnostic: s.diag, At: now, Heard: s.received,
		Slow: s.pace.slow,
	})
}

// restore delays the event Up after a failure, so that a session that changes often does not
// disturb its users.
type restore struct {
	lost    bool // the session has left Up, and no operator requested that
	waiting bool // the session is Up, and the event is still delayed
	at      instant.Time
}

func (r *restore) enter(s *session, from State) {
	switch s.state {
	case Up:
		r.waiting = r.lost && s.cfg.WaitToRestore > 0
		r.at = s.since.Add(s.cfg.WaitToRestore)
	case AdminDown:
		*r = restore{}
	default:
		r.waiting = false
		r.lost = r.lost || from == Up && s.remote.state != AdminDown
	}
}

// Deadline returns when Advance must be called next, Never if no timer runs.
func (s *session) Deadline() (at instant.Time) {
	if s.periodic() {
		at = s.timing.next
	}
	if s.remote.heard {
		at = instant.Earliest(at, s.expiry())
	}
	if s.restore.waiting {
		at = instant.Earliest(at, s.restore.at)
	}
	return instant.Earliest(at, s.pace.retry())
}

// Advance does what is due: it declares the peer lost after a detection time without a
// packet, and sends packets. The caller must have passed all received packets to Receive
// before.
func (s *session) Advance(now instant.Time, fx *Effects) {
	if s.remote.heard && now >= s.expiry() {
		s.remote = unheard
		if s.state == Init || s.state == Up {
			s.setState(now, Down, DiagDetectionTimeExpired, fx)
		}
	}
	if s.restore.waiting && now >= s.restore.at {
		s.restore.waiting = false
		s.tell(now, fx)
	}
	s.tryConfigured(now, fx)
	if s.periodic() && now >= s.timing.next {
		s.transmit(now, fx)
	}
}
