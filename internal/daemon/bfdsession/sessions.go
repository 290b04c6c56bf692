package bfdsession

import (
	"context"
	"errors"
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

// Links knows the network interfaces that there are.
type Links interface {
	// Netdev returns the Linux name of an interface of the configuration.
	Netdev(config.InterfaceName) string
	// VRF returns the index of a VPN instance's VRF, 0 while there is none.
	VRF(vpn string) int
}

// Options are what the sessions need from outside.
type Options struct {
	Loop *eventloop.Loop
	// Handle tells the device of an event, within a turn.
	Handle func(device.Event)
	// Emit tells people of an event. It is called from any goroutine.
	Emit  func(event.Event)
	Links Links
	// InterfaceChanged is told, within a turn, of the Linux name of an interface that is
	// taken for down from now on, or no longer, see [Sessions.Lost].
	InterfaceChanged func(netdev string)
	// BFD is how the loop of the sessions is run.
	BFD bfdloop.Options
	// State is what a predecessor has left.
	State State
}

// State is what a successor needs to know of the sessions. Those themselves live on in
// the helper process, see [bfdloop.Loop.HandOver].
type State struct {
	// Told is what the clients of a session have been told last, by its name. A session
	// that is not there has never been Up.
	Told map[string]etrunk.BFDState
	// Ups and Downs count how often clients were told that a session is up, or failed.
	Ups, Downs uint64
	// Discriminators are the local ones that the device has given, by session.
	Discriminators map[string]uint32
	// Lost are the interfaces that are taken for down, by Linux name.
	Lost map[string]bool
}

// Sessions are the BFD sessions of the configuration. Run, List, Statistics, Beat and
// SetLink may be called from any goroutine, all else only by whoever has the turn.
type Sessions struct {
	o     Options
	bfd   *bfdloop.Loop
	model *config.Model // in force
	state State
}

// Start starts a loop without sessions.
func Start(o Options) (*Sessions, error) {
	loop, err := bfdloop.Start(o.BFD)
	if err != nil {
		return nil, err
	}
	s := &Sessions{o: o, bfd: loop, model: config.New(), state: State{
		Told: make(map[string]etrunk.BFDState), Discriminators: make(map[string]uint32), Lost: make(map[string]bool),
		Ups: o.State.Ups, Downs: o.State.Downs,
	}}
	maps.Copy(s.state.Told, o.State.Told)
	maps.Copy(s.state.Discriminators, o.State.Discriminators)
	maps.Copy(s.state.Lost, o.State.Lost)
	return s, nil
}

// Run takes note of what becomes of the sessions, until Close.
func (s *Sessions) Run(context.Context) error {
	for ev := range s.bfd.Events() {
		if s.o.Loop.Turn(func() { s.changed(ev) }) != nil {
			break
		}
	}
	return nil
}

// changed tells the clients of a session of its change: the device, and the interface
// that follows it.
func (s *Sessions) changed(ev bfd.Event) {
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

// Beat says that the process does its work, see [bfdloop.Loop.Beat].
func (s *Sessions) Beat() { s.bfd.Beat() }

// SetLink tells of a link, see [bfdloop.Loop.SetLink].
func (s *Sessions) SetLink(netdev string, index int, up bool) { s.bfd.SetLink(netdev, index, up) }

// Told returns what the clients of a session have been told last.
func (s *Sessions) Told(session string) etrunk.BFDState { return s.state.told(session) }

// Conditions lists the sessions of which the clients know that they failed.
func (s *Sessions) Conditions() (conditions []event.Condition) {
	for name, state := range s.state.Told {
		if c := s.model.Sessions[name]; state == etrunk.BFDDown && s.model.BFD && c != nil && !c.Shutdown {
			conditions = append(conditions, event.Condition{AlarmKind: event.SessionDown, Object: "SessionName=" + name})
		}
	}
	return conditions
}

// HandOver leaves the sessions to a successor: what it needs to know, and the socket of
// the helper that goes on with them for grace beyond the stall limit. The socket is nil
// when the sessions run in this process; they end with it.
func (s *Sessions) HandOver(grace time.Duration) (State, *os.File, error) {
	socket, err := s.bfd.HandOver(grace)
	if errors.Is(err, bfdloop.ErrNoHelper) {
		err = nil
	}
	return s.state, socket, err
}

// Close ends the sessions and tells their peers so.
func (s *Sessions) Close() error { return s.bfd.Close() }
