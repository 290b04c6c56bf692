package bfdsession

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"time"

	"tandem/internal/bfd"
	"tandem/internal/config"
	"tandem/internal/daemon/bfdloop"
	"tandem/internal/daemon/eventloop"
	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/event"
)

// Links looks up network interfaces.
type Links interface {
	// Netdev returns the Linux name of an interface of the configuration.
	Netdev(config.InterfaceName) string
	// VRF returns the index of a VPN instance's VRF, 0 while there is none.
	VRF(vpn string) int
}

// Options are what the sessions need from outside.
type Options struct {
	Loop *eventloop.Loop
	// Handle passes an event to the device, within a turn.
	Handle func(device.Event)
	// Emit sends an event to the log. It is called from any goroutine.
	Emit  func(event.Event)
	Links Links
	// InterfaceChanged is called, within a turn, with the Linux name of an interface that
	// begins or ceases to count as down, see [Sessions.Lost].
	InterfaceChanged func(netdev string)
	// BFD are the options of the BFD loop, which sends and receives the packets.
	BFD bfdloop.Options
	// State is the state that a predecessor has handed over.
	State State
}

// State is the state of the sessions that a successor needs. The sessions themselves run
// on in the helper process, see [bfdloop.Loop.HandOver].
type State struct {
	// Told is the state that was last reported to the clients of a session, by session
	// name. A session that is missing has never been Up.
	Told map[string]etrunk.BFDState
	// Ups and Downs count how many times the clients were told that a session came up or
	// failed.
	Ups, Downs uint64
	// Discriminators are the local discriminators that the device has allocated, by session
	// name.
	Discriminators map[string]uint32
	// Lost holds the interfaces that count as down, by Linux name.
	Lost map[string]bool
}

// Sessions are the BFD sessions of the configuration. Run, List, Statistics, Beat and SetLink
// may be called from any goroutine, the other methods only by the caller who has the turn.
type Sessions struct {
	o     Options
	bfd   *bfdloop.Loop
	model *config.Model // the configuration in force
	state State
	slow  map[string]bfd.Slowdown // how far each session has slowed down, by its name
}

// Start starts a loop without sessions.
func Start(o Options) (*Sessions, error) {
	loop, err := bfdloop.Start(o.BFD)
	if err != nil {
		return nil, err
	}
	s := &Sessions{o: o, bfd: loop, model: config.New(), slow: make(map[string]bfd.Slowdown), state: State{
		Told: make(map[string]etrunk.BFDState), Discriminators: make(map[string]uint32), Lost: make(map[string]bool),
		Ups: o.State.Ups, Downs: o.State.Downs,
	}}
	maps.Copy(s.state.Told, o.State.Told)
	maps.Copy(s.state.Discriminators, o.State.Discriminators)
	maps.Copy(s.state.Lost, o.State.Lost)
	return s, nil
}

// Run handles the state changes of the sessions until Close.
func (s *Sessions) Run(context.Context) error {
	for ev := range s.bfd.Events() {
		if s.o.Loop.Turn(func() { s.changed(ev) }) != nil {
			break
		}
	}
	return nil
}

// changed reports the state change of a session to its clients: the device, and the
// interface that follows the session.
func (s *Sessions) changed(ev bfd.Event) {
	s.slow[ev.Session] = ev.Slow
	state, told := s.state.tell(ev)
	if !told {
		return
	}
	at := s.o.BFD.Origin.Add(ev.At.SinceOrigin()).Format(time.RFC3339Nano)
	switch state {
	case etrunk.BFDUp:
		s.o.Emit(event.BFDUp.With(ev.Session, at))
	case etrunk.BFDDown:
		s.o.Emit(event.BFDDown.With(ev.Session, ev.Diagnostic, at))
	default:
		s.o.Emit(event.BFDShutDown.With(ev.Session, ev.Remote, at))
	}
	s.o.Handle(device.BFDChanged{Session: ev.Session, State: state, Heard: ev.Heard})
	s.Follow()
}

// Beat shows that the process is alive, see [bfdloop.Loop.Beat].
func (s *Sessions) Beat() { s.bfd.Beat() }

// SetLink reports the state of a link, see [bfdloop.Loop.SetLink].
func (s *Sessions) SetLink(netdev string, index int, up bool) { s.bfd.SetLink(netdev, index, up) }

// Told returns the state of a session that was last reported to its clients.
func (s *Sessions) Told(session string) etrunk.BFDState { return s.state.told(session) }

// Conditions returns an alarm condition for each session that failed, once its clients
// have been informed, and for each session that is Up and has slowed down.
func (s *Sessions) Conditions() (conditions []event.Condition) {
	if !s.model.BFD {
		return nil
	}
	for _, c := range s.model.AllSessions() {
		if c.Shutdown {
			continue
		}
		object := "SessionName=" + c.Name
		switch slow := s.slow[c.Name]; {
		case s.state.Told[c.Name] == etrunk.BFDDown:
			conditions = append(conditions, event.Condition{AlarmKind: event.SessionDown, Object: object})
		case s.state.Told[c.Name] == etrunk.BFDUp && slow.Interval > 0:
			conditions = append(conditions, event.Condition{AlarmKind: event.SessionSlow, Object: object,
				Detail: fmt.Sprintf("Interval=%v, %v", slow.Interval, slow)})
		}
	}
	return conditions
}

// HandOver leaves the sessions to a successor. It returns the state, and the socket of
// the helper, which goes on with the sessions for grace beyond the stall limit. The
// socket is nil if the sessions run in this process; then they end with the process.
func (s *Sessions) HandOver(grace time.Duration) (State, *os.File, error) {
	socket, err := s.bfd.HandOver(grace)
	if errors.Is(err, bfdloop.ErrNoHelper) {
		err = nil
	}
	return s.state, socket, err
}

// Close ends the sessions and notifies their peers.
func (s *Sessions) Close() error { return s.bfd.Close() }
