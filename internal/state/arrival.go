package state

import (
	"fmt"
	"time"

	"tandem/internal/device"
	"tandem/internal/instant"
)

// Arrival is where a stream arrives, and which device sends it in the other's stead.
type Arrival struct {
	Here *bool `name:"arrives-here"`    // not set while that is not measured
	Peer *bool `name:"arrives-at-peer"` // not set while the peer does not tell
	// InStead is empty where the stream arrives at both devices or at neither.
	InStead Stead `name:"sent-in-stead-by"`
	// For is how long that has been so, not set where InStead is empty.
	For *time.Duration `name:"in-stead-for"`
}

// Stead is the device that sends a stream in the other one's stead.
type Stead string

// Devices that send in the other one's stead.
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

// ArrivalTable is where the streams arrive that are to be forwarded.
type ArrivalTable struct {
	Total    int     `name:"total"`
	Here     int     `name:"flowing"`         // of them, at this device
	Lacking  int     `name:"lacking-here"`    // they do not arrive here, and the peer sends them
	StandsIn int     `name:"lacking-at-peer"` // they do not arrive at the peer, and this device sends them
	Entries  []Route `name:"entries"`
}

// ArrivalTableOf describes where the streams of routes arrive. With faulty, the entries are
// only those that arrive at one device and not at the other.
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
	Watched  bool `name:"measured"` // which of them arrive here
	Compared bool `name:"compared" metric:"compared" help:"1 while the peer tells which streams arrive there."`
	Flowing  int  `name:"flowing" metric:"flowing" help:"Streams that arrive at the device."`
	Lacking  int  `name:"lacking-here" metric:"lacking" help:"Streams that arrive at the peer only, which sends them in the device's stead."`
	StandsIn int  `name:"lacking-at-peer" metric:"lacking_peer" help:"Streams that arrive at the device only, which sends them in the peer's stead."`
	// The first ten of those that are lacking at one device.
	Lacks  []StreamFault `name:"lacking-streams" metric:"-"`
	Stands []StreamFault `name:"peers-lacking-streams" metric:"-"`
}

// StreamFault is a stream that arrives at one of the two devices only.
type StreamFault struct {
	Stream Stream        `name:"stream"`
	For    time.Duration `name:"for"` // how long one device has sent it in the other's stead
}

// Stream is a stream in words: (source, group).
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
