package tape

import (
	"slices"
	"time"

	"tandem/internal/device"
	"tandem/internal/instant"
)

// Device is a device whose inputs are recorded.
type Device struct {
	*device.Device
	ring     ring
	wall     time.Time // the wall-clock time at the origin of the device's clock
	settings device.Settings
	outcomes []device.Replicated // outcomes of connections in the present call
	spare    []device.Outcome    // memory for later outcomes
}

// New returns a recorded device, see [device.New]. bytes is the approximate size of the
// recording; zero means no recording.
func New(id, boot uint64, wall time.Time, now instant.Time, bytes int) *Device {
	d := &Device{Device: device.New(id, boot, wall, now), ring: ring{most: bytes}, wall: wall.Add(-now.SinceOrigin())}
	d.ring.begin(Start{ID: id, Boot: boot, Wall: wall, At: now})
	if bytes > 0 {
		d.Observe(d.observe)
	}
	return d
}

// observe collects an outcome of a connection, unless the recording has ended.
func (d *Device) observe(service string, o device.Outcome) {
	if d.ring.now == nil {
		return
	}
	o.Record.Sources = slices.Clone(o.Record.Sources)
	if n := len(d.outcomes); n == 0 || d.outcomes[n-1].Service != service {
		d.outcomes = append(d.outcomes, device.Replicated{Service: service, Outcomes: d.spare})
		d.spare = nil
	}
	last := &d.outcomes[len(d.outcomes)-1]
	last.Outcomes = append(last.Outcomes, o)
}

// Handle records an event and passes it to the device, see [device.Device.Handle].
func (d *Device) Handle(now instant.Time, ev device.Event) {
	if e, wanted := entryOf(now, ev); wanted {
		d.ring.add(&e)
	}
	d.Device.Handle(now, ev)
	d.noteOutcomes(now)
}

// Advance records the new time, see [device.Device.Advance].
func (d *Device) Advance(now instant.Time) {
	d.ring.add(&Entry{At: now, Kind: kindTick})
	d.Device.Advance(now)
	d.noteOutcomes(now)
}

// Configure records new settings, see [device.Device.Configure].
func (d *Device) Configure(now instant.Time, settings device.Settings) error {
	err := d.Device.Configure(now, settings)
	if err == nil {
		d.settings = settings
		d.ring.add(&Entry{At: now, Kind: kindSettings, Settings: &settings})
	}
	d.noteOutcomes(now)
	return err
}

// Resume starts a new recording, see [device.Device.Resume].
func (d *Device) Resume(now instant.Time, settings device.Settings, cp *device.Checkpoint) error {
	err := d.Device.Resume(now, settings, cp)
	d.settings, d.outcomes = settings, nil
	if err == nil {
		d.ring.drop()
	}
	return err
}

// Effects records the checksum of what the device has decided, see
// [device.Device.Effects].
func (d *Device) Effects(now instant.Time) *device.Effects {
	fx := d.Device.Effects()
	if d.ring.most == 0 {
		return fx
	}
	if sum, any := decided(fx); any {
		d.ring.add(&Entry{At: now, Kind: kindDecision, Decision: sum})
	}
	if d.ring.due(now) { // no call is in progress here, so the checkpoint is complete
		d.renew(now)
	}
	return fx
}

// renew begins a new segment, with a checkpoint.
func (d *Device) renew(now instant.Time) {
	if d.Records() > mostRecords {
		d.ring.drop()
		return
	}
	settings := d.settings
	cp := d.Checkpoint(now)
	d.ring.begin(Start{ID: cp.ID, Boot: cp.Boot, Wall: d.wall.Add(now.SinceOrigin()), At: now, Settings: &settings, Checkpoint: &cp})
}

// noteOutcomes records the outcomes of connections in a call, after the entry of the call
// itself. The bytes that caused them are not recorded.
func (d *Device) noteOutcomes(now instant.Time) {
	for i := range d.outcomes {
		d.ring.add(&Entry{At: now, Kind: kindReplica, Event: d.outcomes[i]})
		d.spare = d.outcomes[i].Outcomes[:0]
	}
	d.outcomes = d.outcomes[:0]
}

// Recording returns a copy of the recording, for [Recording.Write].
func (d *Device) Recording(now instant.Time) Recording { return d.ring.copy(now) }

// entryOf makes an entry for an event. It returns false for events of connections,
// because their outcomes are recorded instead.
func entryOf(now instant.Time, ev device.Event) (Entry, bool) {
	e := Entry{At: now, Kind: kindEvent, Event: ev}
	switch ev := ev.(type) {
	case *device.MLDReceived:
		e.Kind = kindMLD
	case device.StreamArrived:
		e.Kind = kindStream
	case device.Retire:
		e.Kind, e.Event = kindRetire, nil
	case device.MLDMalformed:
		e.Event = device.MLDMalformed{Netdev: ev.Netdev}
	case device.LinkChanged, device.StreamsSilent, device.StreamsWatched, device.StreamsSeen, device.HelloReceived, device.HelloNotSent,
		device.BFDChanged, device.Switchover, device.ResetGroups, device.Withdraw:
	default:
		return e, false
	}
	return e, true
}
