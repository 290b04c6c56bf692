package tape

import (
	"fmt"
	"io"
	"time"

	"tandem/internal/device"
	"tandem/internal/instant"
)

// Step is what a device decided after some inputs.
type Step struct {
	At        instant.Time // on the device's clock
	Wall      time.Time    // wall-clock time; zero if the recording does not contain it
	Cause     string       // the last input before the decision
	Decisions []string
	Differs   bool // from the recorded checksum
	sum       uint64
}

// Result is the result of a replay.
type Result struct {
	From, To                   instant.Time
	Inputs, Decided, Differing int
}

// player replays a recording through a device.
type player struct {
	device *device.Device
	cause  string
	result Result
}

// newPlayer makes the device in the state at the beginning of the recording.
func newPlayer(s Start) (*player, error) {
	d := device.New(s.ID, s.Boot, s.Wall, s.At)
	d.Replay()
	if s.Checkpoint != nil {
		for _, link := range s.Checkpoint.Links {
			d.Handle(s.At, link)
		}
		if err := d.Resume(s.At, *s.Settings, s.Checkpoint); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFormat, err)
		}
		d.Effects() // these effects were carried out before the recording
	}
	return &player{device: d, result: Result{From: s.At, To: s.At}}, nil
}

// play runs an entry. It returns a step if the device has decided something, or should
// have decided something.
func (p *player) play(e *Entry) *Step {
	p.result.To = e.At
	if e.Kind != kindDecision {
		p.result.Inputs++
		p.cause = describe(e)
	}
	switch e.Kind {
	case kindTick:
		p.device.Advance(e.At)
	case kindRetire:
		p.device.Handle(e.At, device.Retire{})
	case kindSettings:
		_ = p.device.Configure(e.At, *e.Settings) // the device accepted it when it was recorded
	case kindDecision:
		return p.compare(e)
	default:
		p.device.Handle(e.At, e.Event)
	}
	return nil
}

func (p *player) compare(e *Entry) *Step {
	fx := p.device.Effects()
	sum, _ := decided(fx)
	step := &Step{At: e.At, Cause: p.cause, Decisions: decisions(fx), Differs: sum != e.Decision, sum: sum}
	p.result.Decided++
	if step.Differs {
		p.result.Differing++
	}
	return step
}

// Replay runs a recording through the code of this program and calls tell for every step.
func Replay(r io.Reader, tell func(Step)) (Result, error) {
	f, err := read(r)
	if err != nil {
		return Result{}, err
	}
	p, err := newPlayer(f.Start)
	if err != nil {
		return Result{}, err
	}
	err = f.each(func(e *Entry) error {
		if step := p.play(e); step != nil {
			if !f.Wall.IsZero() {
				step.Wall = f.Wall.Add(step.At.Sub(f.At))
			}
			tell(*step)
		}
		return nil
	})
	return p.result, err
}

// describe describes an input in words.
func describe(e *Entry) string {
	switch ev := e.Event.(type) {
	case *device.MLDReceived:
		return fmt.Sprintf("MLD %s from %s on %s", ev.Packet.Type, ev.Meta.Src, ev.Netdev)
	case device.StreamArrived:
		return fmt.Sprintf("stream (%s, %s) on %s", ev.Source, ev.Group, ev.Netdev)
	case device.Replicated:
		return fmt.Sprintf("replication %s: %d steps", ev.Service, len(ev.Outcomes))
	case device.HelloReceived:
		return fmt.Sprintf("hello from %s", ev.From)
	case device.LinkChanged:
		return fmt.Sprintf("link %s: up %v", ev.Netdev, ev.Up)
	case device.BFDChanged:
		return fmt.Sprintf("BFD %s: %v", ev.Session, ev.State)
	case nil:
		switch e.Kind {
		case kindSettings:
			return "configuration"
		case kindRetire:
			return "the end"
		}
		return "time"
	default:
		return fmt.Sprintf("%T", ev)
	}
}
