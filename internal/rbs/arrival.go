package rbs

import (
	"encoding/binary"
	"iter"
	"math"
	"net/netip"
	"time"

	"tandem/internal/instant"
)

// Stream names a multicast stream, (S,G).
type Stream struct{ Source, Group netip.Addr }

// Arrival is what a device tells of one stream.
type Arrival struct {
	Stream
	// Flows: the stream comes in at the sender.
	Flows bool
	// StandsIn: the sender also forwards what the receiver should, since the stream does not
	// come in there.
	StandsIn bool
	// Withdrawn: the sender does not look for the stream any more. Nobody knows whether it comes in.
	Withdrawn bool
	// Age is the time since the last packet of the stream, for a stream of which none has
	// come the longest that can be told.
	Age time.Duration
}

// Streams are the streams whose arrival the two devices tell each other. The caller knows which
// of them arrive here, and is told which arrive at the peer.
type Streams interface {
	// Observed reports whether the caller can tell which streams arrive.
	Observed() bool
	// Arriving yields all streams of which there is something to tell: those that flow, and
	// those for which this device stands in.
	Arriving() iter.Seq[Stream]
	// Arrival returns what to tell of a stream now.
	Arrival(now instant.Time, s Stream) Arrival

	// PeerBegins says that the streams which the peer has told of no longer count. The peer
	// begins a new list, or can tell of no streams any more.
	PeerBegins(now instant.Time)
	// PeerTells tells what the peer says of a stream. It reports whether there is room for it.
	PeerTells(now instant.Time, a *Arrival) bool
	// PeerComplete says that since PeerBegins the peer has told of every stream that flows there.
	PeerComplete(now instant.Time)
	// PeerCannotTell says that the peer is of a release that tells nothing of streams.
	PeerCannotTell(now instant.Time)
}

// The ARRIVING frame. Sizes are in bytes.
const (
	arrivingFixed = 1  // flags
	arrivalSize   = 37 // of an entry
	// maxArriving bounds an ARRIVING frame, so that records have room in the same chunk.
	maxArriving = 1 << 14

	arrivingBegin    = 1 << 0 // what was told before no longer counts
	arrivingComplete = 1 << 1 // everything has been told since then

	arrivalFlows     = 1 << 0
	arrivalStandsIn  = 1 << 1
	arrivalWithdrawn = 1 << 2
)

// appendArriving appends an ARRIVING frame without entries; appendArrival adds to it.
func appendArriving(dst []byte, flags byte) []byte {
	start := len(dst)
	return endFrame(append(beginFrame(dst, frameArriving), flags), start)
}

// appendArrival adds an entry to the ARRIVING frame that begins at frame[start] and is the last
// thing in frame. The caller sees to it that the frame does not exceed maxFrame.
func appendArrival(frame []byte, start int, a *Arrival) []byte {
	var flags byte
	for i, set := range [...]bool{a.Flows, a.StandsIn, a.Withdrawn} {
		if set {
			flags |= 1 << i
		}
	}
	source, group := a.Source.As16(), a.Group.As16()
	frame = append(frame, flags)
	frame = binary.BigEndian.AppendUint32(frame, leftMillis(a.Age))
	frame = append(frame, source[:]...)
	return endFrame(append(frame, group[:]...), start)
}

// arriving is a decoded ARRIVING frame. Next returns its entries.
type arriving struct {
	Begin, Complete bool
	entries         []byte
}

// parseArriving decodes the body of an ARRIVING frame; the result shares its memory.
func parseArriving(body []byte) (arriving, error) {
	if len(body) < arrivingFixed || (len(body)-arrivingFixed)%arrivalSize != 0 {
		return arriving{}, malformed(frameArriving, body, "%d bytes and a multiple of %d expected", arrivingFixed, arrivalSize)
	}
	f := arriving{body[0]&arrivingBegin != 0, body[0]&arrivingComplete != 0, body[arrivingFixed:]}
	for rest := f; ; {
		a, more := rest.Next()
		switch {
		case !more:
			return f, nil
		case !a.Group.IsMulticast():
			return arriving{}, malformed(frameArriving, body, "group %v is not an IPv6 multicast address", a.Group)
		case a.Source.IsMulticast() || a.Source.IsUnspecified():
			return arriving{}, malformed(frameArriving, body, "source %v cannot send", a.Source)
		}
	}
}

// Next takes the first entry off f; ok is false when there is none left.
func (f *arriving) Next() (a Arrival, ok bool) {
	b := f.entries
	if len(b) == 0 {
		return Arrival{}, false
	}
	f.entries = b[arrivalSize:]
	flags, age := b[0], binary.BigEndian.Uint32(b[1:])
	a = Arrival{
		Stream: Stream{Source: netip.AddrFrom16([16]byte(b[5:])), Group: netip.AddrFrom16([16]byte(b[21:]))},
		Flows:  flags&arrivalFlows != 0, StandsIn: flags&arrivalStandsIn != 0, Withdrawn: flags&arrivalWithdrawn != 0,
		Age: time.Duration(age) * time.Millisecond,
	}
	if age == math.MaxUint32 {
		a.Age = math.MaxInt64
	}
	return a, true
}
