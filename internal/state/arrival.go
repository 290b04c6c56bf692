package state

import (
	"fmt"
	"time"

	"tandem/internal/device"
	"tandem/internal/instant"
)

// Arrival says at which of the two devices a stream arrives, and which device sends it in
// the other's stead.
type Arrival struct {
	Here *bool `name:"arrives-here"`    // nil while this device does not measure it
	Peer *bool `name:"arrives-at-peer"` // nil while the peer does not report it
	// InStead names the device that sends the stream in the other's stead. It is empty
	// while neither does.
	InStead Stead `name:"sent-in-stead-by"`
	// For is how long InStead has had its value. It is nil while InStead is empty.
	For *time.Duration `name:"in-stead-for"`
}

// Stead is the device that sends a stream in the other device's stead.
type Stead string

// Devices that send a stream in the other device's stead.
const (
	BySelf Stead = "this device"
	ByPeer Stead = "the peer"
)

func arrivalOf(a *device.ArrivalSnapshot) (out Arrival) {
	if a.Watched {
		out.Here = &a.Here
	}
	if a.Compared {
		out.Peer = &a.Peer
	}
	switch {
	case a.Lacks:
		out.InStead, out.For = ByPeer, &a.For
	case a.Stands:
		out.InStead, out.For = BySelf, &a.For
	}
	return out
}

// ArrivalTable lists the streams with an outgoing interface, and at which device each
// arrives.
type ArrivalTable struct {
	Total    int     `name:"total"`
	Here     int     `name:"flowing"`         // how many of them arrive at this device
	Lacking  int     `name:"lacking-here"`    // streams that do not arrive here and are sent by the peer
	StandsIn int     `name:"lacking-at-peer"` // streams that do not arrive at the peer and are sent by this device
	Entries  []Route `name:"entries"`
}

// ArrivalTableOf returns the table of the streams of these routes. With faulty, it lists
// only the streams that arrive at one device and not at the other.
func ArrivalTableOf(routes []Route, faulty bool) ArrivalTable {
	t := ArrivalTable{Total: len(routes)}
	for _, r := range routes {
		if r.Here != nil && *r.Here {
			t.Here++
		}
		switch r.InStead {
		case ByPeer:
			t.Lacking++
		case BySelf:
			t.StandsIn++
		}
		if !faulty || r.InStead != "" {
			t.Entries = append(t.Entries, r)
		}
	}
	return t
}

// Streams counts the streams that listeners behind the interfaces of a service want.
type Streams struct {
	Watched  bool `name:"measured"` // whether this device measures which of the streams arrive here
	Compared bool `name:"compared" metric:"compared" help:"1 while the peer tells which streams arrive there."`
	Flowing  int  `name:"flowing" metric:"flowing" help:"Streams that arrive at the device."`
	Lacking  int  `name:"lacking-here" metric:"lacking" help:"Streams that arrive at the peer only, which sends them in the device's stead."`
	StandsIn int  `name:"lacking-at-peer" metric:"lacking_peer" help:"Streams that arrive at the device only, which sends them in the peer's stead."`
	// The first ten of the streams that do not arrive at one of the devices.
	Lacks  []StreamFault `name:"lacking-streams" metric:"-"`
	Stands []StreamFault `name:"peers-lacking-streams" metric:"-"`
}

// StreamFault is a stream that arrives at one of the two devices only.
type StreamFault struct {
	Stream Stream        `name:"stream"`
	For    time.Duration `name:"for"` // how long one device has sent the stream in the other's stead
}

// Stream is a stream as text: (source, group).
type Stream string

func streamsOf(now instant.Time, s *device.StreamsSnapshot) Streams {
	faults := func(list []device.StreamFault) (out []StreamFault) {
		for _, f := range list {
			out = append(out, StreamFault{Stream(fmt.Sprintf("(%s, %s)", f.Source, f.Group)), now.Sub(f.Since)})
		}
		return out
	}
	return Streams{
		Watched: s.Watched, Compared: s.Compared, Flowing: s.Flowing, Lacking: s.Lacking, StandsIn: s.StandsIn,
		Lacks: faults(s.Lacks), Stands: faults(s.Stands),
	}
}
