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
	"tandem/internal/state"
	"tandem/internal/status"
	"tandem/internal/task"
)

// sampleInterval is the time between two samples of this device, and between two status
// requests to the peer.
const sampleInterval = time.Second

// takeSamples samples the status of this device and asks the peer for its status, until ctx
// ends.
func (o *owners) takeSamples(ctx context.Context) error {
	for task.Pause(ctx, sampleInterval) {
		var snapshot state.Device
		if o.loop.Call(func() { snapshot = o.snapshot() }) != nil {
			return nil
		}
		o.board.AddSample(snapshot.At.UnixMilli(), status.Of(status.Facts{Snapshot: snapshot}).Totals)
		o.askPeers(snapshot)
	}
	return nil
}

// askPeers requests the peer's status on each connected service. It returns false if no
// service is connected.
func (o *owners) askPeers(snapshot state.Device) (asked bool) {
	for _, s := range snapshot.Services {
		if s.TCP == rbs.Connected {
			asked = true
			_ = o.loop.Turn(func() { o.router.Handle(device.AskStatus{Service: s.Name}) })
		}
	}
	return asked
}

// describe returns a short status of this device.
func (o *owners) describe() status.Device {
	return status.Of(status.Facts{
		Name: o.model.SysName, Version: o.opts.Version, Snapshot: o.snapshot(), Sessions: o.sessionStates(),
		Alarms: o.opts.Journal.Alarms(), Handovers: o.board.Handovers(),
	})
}

// snapshot returns the state of the device together with the kernel state that its
// multicast routing reads.
func (o *owners) snapshot() state.Device {
	s := state.DeviceOf(o.router.Snapshot())
	o.routing.Describe(&s)
	s.ServesAlone = len(s.Alone()) == 0
	return s
}

// sessionStates returns the state of each configured BFD session as last reported to its
// clients.
func (o *owners) sessionStates() (list []status.Session) {
	for _, name := range slices.Sorted(maps.Keys(o.model.Sessions)) {
		list = append(list, status.Session{Name: name, State: o.bfd.Told(name).String()})
	}
	return list
}

// exchangeStatus answers the peer's request for the status of this device, and stores the
// status that the peer sends.
func (o *owners) exchangeStatus(fx device.ChannelEffects) {
	if fx.Status != nil {
		s, err := status.Parse(fx.Status)
		if err != nil {
			o.opts.Journal.Emit(event.PeerStatusBad.With(fx.Service, err))
		} else {
			o.board.SetPeer(s, time.Now())
		}
	}
	if fx.StatusWanted {
		tell := device.TellStatus{Service: fx.Service, Status: status.Encode(o.describe(), rbs.MaxStatus)}
		o.loop.Next(func() { o.router.Handle(tell) })
	}
}

// handedOver logs a change of the buckets that the gate lets pass. The kernel already has
// the new gate.
func (o *owners) handedOver(h device.Handover) {
	now := time.Now()
	note := status.Handover{At: now.UnixMilli(), Trunk: h.ETrunk, Member: h.EthTrunk,
		From: h.From.String(), To: h.To.String(), Reason: h.Reason, Gap: -1}
	gap := "none"
	if opened := h.To &^ h.From; opened != etrunk.NoBuckets && h.LastHeard.IsSet() {
		took := now.Sub(o.router.origin.Add(h.LastHeard.SinceOrigin()))
		note.Gap = float64(took.Microseconds()) / 1000
		gap = took.Round(10 * time.Microsecond).String()
	}
	o.board.AddHandover(note)
	o.opts.Journal.Emit(event.Switchover.With(h.ETrunk, h.EthTrunk, h.From, h.To, gap, h.Reason))
}
