package daemon

import (
	"context"
	"maps"
	"slices"
	"time"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/event"
	"tandem/internal/rbs"
	"tandem/internal/status"
)

// sampleInterval is how often a sample is taken and the peer asked how it is.
const sampleInterval = time.Second

// takeSamples notes how this device is, and asks the peer how it is, until ctx ends.
func (d *Daemon) takeSamples(ctx context.Context) error {
	tick := time.NewTicker(sampleInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		snapshot := d.Snapshot()
		d.board.AddSample(snapshot.At.UnixMilli(), status.Of(status.Facts{Snapshot: snapshot}).Totals)
		for _, s := range snapshot.Services {
			if s.TCP == rbs.Connected {
				d.post(device.AskStatus{Service: s.Name})
			}
		}
	}
}

// Status describes this device at a glance.
func (d *Daemon) Status() (s status.Device) {
	_ = d.call(func() { s = d.describe() })
	return s
}

// describe is Status within a turn.
func (d *Daemon) describe() status.Device {
	return status.Of(status.Facts{
		Name: d.model.SysName, Version: d.opts.Version, Snapshot: d.snapshot(), Sessions: d.sessionStates(),
		Alarms: d.opts.Journal.Alarms(), Handovers: d.board.Handovers(),
	})
}

// sessionStates is what the users of the configured BFD sessions have been told.
func (d *Daemon) sessionStates() (list []status.Session) {
	for _, name := range slices.Sorted(maps.Keys(d.model.Sessions)) {
		list = append(list, status.Session{Name: name, State: d.bfd.Told(name).String()})
	}
	return list
}

// PeerStatus is what the peer has told last, and when; it never has at the zero time.
func (d *Daemon) PeerStatus() (s status.Device, at time.Time) { return d.board.Peer() }

// History lists the samples of the last minutes.
func (d *Daemon) History() []status.Sample { return d.board.Samples() }

// exchangeStatus answers the peer that asks how this device is, and takes what it tells.
func (d *Daemon) exchangeStatus(fx device.ChannelEffects) {
	if fx.Status != nil {
		s, err := status.Parse(fx.Status)
		if err != nil {
			d.emit(event.PeerStatusBad.With(fx.Service, err))
		} else {
			d.board.SetPeer(s, time.Now())
		}
	}
	if fx.StatusWanted {
		tell := device.TellStatus{Service: fx.Service, Status: status.Encode(d.describe(), rbs.MaxStatus)}
		d.loop.Next(func() { d.device.Handle(d.now(), tell) })
	}
}

// handedOver notes that the gate lets pass another share, which the kernel has
// just been told.
func (d *Daemon) handedOver(h device.Handover) {
	now := time.Now()
	note := status.Handover{At: now.UnixMilli(), Trunk: h.ETrunk, Member: h.EthTrunk,
		From: h.From.String(), To: h.To.String(), Reason: h.Reason, Gap: -1}
	gap := "none"
	if opened := h.To &^ h.From; opened != etrunk.NoBuckets && h.LastHeard != 0 {
		took := now.Sub(d.origin.Add(h.LastHeard))
		note.Gap = float64(took.Microseconds()) / 1000
		gap = took.Round(10 * time.Microsecond).String()
	}
	d.board.AddHandover(note)
	d.emit(event.Switchover.With(h.ETrunk, h.EthTrunk, h.From, h.To, gap, h.Reason))
}
