package state

import (
	"slices"
	"time"
)

// Redundancy says whether each of the two devices can be reloaded now without a listener
// losing packets, as far as both devices have measured.
type Redundancy struct {
	At   time.Time `name:"time"` // wall clock
	Peer Reload    `name:"reload-peer"`
	Self Reload    `name:"reload-this-device"`
}

// Reload says whether one device can be reloaded.
type Reload struct {
	Safe    bool        `name:"safe"`
	Against []Objection `name:"against"` // the reasons against the reload, empty if it is safe
}

// Objection is a reason why a device cannot serve all listeners alone.
type Objection struct {
	Object string    `name:"object"` // interface, member, stream, path, service or BFD session
	Reason string    `name:"reason"`
	Since  time.Time `name:"since"`   // the zero time if unknown
	By     string    `name:"seen-by"` // the device that has measured it
}

// The values of [Objection.By].
const (
	seenHere   = "this device"
	seenByPeer = "the peer"
)

// PeerTold is what the peer has reported about itself.
type PeerTold struct {
	// ID is the peer's device ID, as [Device.ID] writes it. It is empty if the peer has
	// reported nothing.
	ID string
	// Alone and Sees are the results of [Device.Alone] and [Device.PeerAlone] at the
	// peer: the reasons why the peer, and this device as the peer sees it, cannot serve
	// alone. They are nil if the peer's release does not report them.
	Alone, Sees []Objection
	Age         time.Duration // how long ago the peer reported it
}

// toldLimit is how long a report of the peer counts as the peer's present state. A device
// requests a report once a second.
const toldLimit = 2 * time.Second

// RedundancyOf judges whether each of the two devices can be reloaded. A device can be
// reloaded if the other device can serve all listeners alone, as far as both devices have
// measured.
func RedundancyOf(d *Device, told PeerTold) Redundancy {
	r := Redundancy{At: d.At, Peer: reload(d.Alone()), Self: reload(d.PeerAlone())}
	doubt := func(reason string, lasted time.Duration) { r.Self.add(d.objection("peer", reason, lasted)) }
	switch {
	case told.ID == "" || told.Alone == nil:
		doubt("it does not tell whether it can serve alone", 0)
	case told.Age > toldLimit:
		doubt("it has told nothing any more of whether it can serve alone", told.Age)
	case slices.ContainsFunc(d.ETrunks, func(t ETrunk) bool { return t.PeerDeviceID != nil && t.PeerDeviceID.String() != told.ID }):
		doubt("there is more than one, and not all tell whether they can serve alone", 0)
	default:
		r.Peer.addTold(told.Sees)
		r.Self.addTold(told.Alone)
	}
	return r
}

func (r *Reload) add(o Objection) { r.Safe, r.Against = false, append(r.Against, o) }

// addTold adds the objections that the peer has reported, except for objects for which
// there is an objection already.
func (r *Reload) addTold(told []Objection) {
	seen := slices.Clone(r.Against)
	for _, o := range told {
		if !slices.ContainsFunc(seen, func(own Objection) bool { return own.Object == o.Object }) {
			o.By = seenByPeer
			r.add(o)
		}
	}
}

func reload(against []Objection) Reload {
	return Reload{Safe: len(against) == 0, Against: against}
}

// objection returns an objection that has lasted for a time. lasted is 0 if that time is
// unknown.
func (d *Device) objection(object, reason string, lasted time.Duration) Objection {
	o := Objection{Object: object, Reason: reason, By: seenHere}
	if lasted > 0 {
		o.Since = d.At.Add(-lasted)
	}
	return o
}
