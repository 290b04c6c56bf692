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

// Arrival is what a device reports to its peer about one stream.
type Arrival struct {
	Stream
	// Flows says that the stream comes in at the sender of the report.
	Flows bool
	// StandsIn says that the sender of the report also forwards the stream where the
	// receiver of the report should, because the stream does not come in there.
	StandsIn bool
	// Withdrawn says that the sender of the report no longer observes the stream. So it
	// is unknown whether the stream comes in there.
	Withdrawn bool
	// Asks says that the sender asks for the receiver's present report of the stream.
	Asks bool
	// Answers says that the sender made this report after such a question had come.
	Answers bool
	// Age is the time since the last packet of the stream. For a stream without any
	// packet it is the longest time that the frame can carry.
	Age time.Duration
}

// Streams is the part of the caller that knows which streams arrive here, for the report
// to the peer, and that receives the peer's reports.
type Streams interface {
	// Observed reports whether the caller can observe which streams arrive.
	Observed() bool
	// Arriving yields all streams to report: those that flow, and those for which this
	// device stands in.
	Arriving() iter.Seq[Stream]
	// Arrival returns what to report about a stream now.
	Arrival(now instant.Time, s Stream) Arrival

	// PeerBegins says that the streams which the peer has reported before no longer
	// count: the peer begins a new list, or can no longer report streams.
	PeerBegins(now instant.Time)
	// PeerTells passes on the peer's report about one stream. It returns false if there
	// is no room for the stream.
	PeerTells(now instant.Time, a *Arrival) bool
	// PeerComplete says that since PeerBegins the peer has reported every stream that
	// flows there.
	PeerComplete(now instant.Time)
	// PeerCannotTell says that the peer runs a release that does not report streams.
	PeerCannotTell(now instant.Time)
}

// The ARRIVING frame. Sizes are in bytes.
const (
	arrivingFixed = 1  // size of the flags
	arrivalSize   = 37 // size of an entry
	// maxArriving bounds an ARRIVING frame, so that records have room in the same chunk.
	maxArriving = 1 << 14

	arrivingBegin    = 1 << 0 // streams reported before no longer count
	arrivingComplete = 1 << 1 // every stream has been reported since the last frame with arrivingBegin

	arrivalFlows     = 1 << 0
	arrivalStandsIn  = 1 << 1
	arrivalWithdrawn = 1 << 2
	arrivalAsks      = 1 << 3
	arrivalAnswers   = 1 << 4
)

// appendArriving appends an ARRIVING frame without entries; appendArrival adds to it.
func appendArriving(dst []byte, flags byte) []byte {
	start := len(dst)
	return endFrame(append(beginFrame(dst, frameArriving), flags), start)
}

// appendArrival adds an entry to the ARRIVING frame that begins at frame[start] and is
// the last thing in frame. The caller ensures that the frame does not exceed maxFrame.
func appendArrival(frame []byte, start int, a *Arrival) []byte {
	var flags byte
	for i, set := range [...]bool{a.Flows, a.StandsIn, a.Withdrawn, a.Asks, a.Answers} {
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

// arriving is a decoded ARRIVING frame.
type arriving struct {
	Begin, Complete bool
	entries         []byte
}

// parseArriving decodes the body of an ARRIVING frame. The result refers to the memory of
// body.
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

// Next removes the first entry from f and returns it; ok is false when no entry is left.
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
		Asks: flags&arrivalAsks != 0, Answers: flags&arrivalAnswers != 0,
		Age: time.Duration(age) * time.Millisecond,
	}
	if age == math.MaxUint32 {
		a.Age = math.MaxInt64
	}
	return a, true
}
