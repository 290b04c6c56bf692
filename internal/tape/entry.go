package tape

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"net/netip"

	"tandem/internal/device"
	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/rbs"
)

// Kinds of entries. Frequent kinds have an encoding of their own; the others use gob.
const (
	kindTick     = iota // Device.Advance
	kindMLD             // device.MLDReceived
	kindStream          // device.StreamArrived
	kindReplica         // device.Replicated
	kindEvent           // any other device.Event
	kindSettings        // Device.Configure
	kindRetire          // device.Retire
	kindDecision        // checksum of the decisions since the last one
)

// Entry is one input, or the checksum of the decisions since the last checksum.
type Entry struct {
	At       instant.Time
	Kind     byte
	Event    device.Event     // for kindMLD to kindEvent
	Settings *device.Settings // for kindSettings
	Decision uint64           // for kindDecision
}

// errEntry means that the bytes are not a valid entry.
var errEntry = errors.New("damaged entry")

func init() {
	for _, ev := range []device.Event{
		device.LinkChanged{}, device.MLDMalformed{}, device.StreamsSilent{}, device.StreamsWatched{}, device.StreamsSeen{}, device.HelloReceived{}, device.HelloNotSent{},
		device.BFDChanged{}, device.Switchover{}, device.ResetGroups{}, device.Withdraw{},
	} {
		gob.Register(ev)
	}
}

// cold is an infrequent event, in an entry of kindEvent.
type cold struct{ Event device.Event }

// appendEntry appends an encoded entry: its length, its kind, the time since the entry
// before it, and its body.
func appendEntry(dst []byte, last instant.Time, e *Entry) ([]byte, error) {
	body := append(make([]byte, 0, 128), e.Kind)
	body = binary.AppendVarint(body, int64(e.At.Sub(last)))
	var err error
	switch e.Kind {
	case kindMLD:
		body = appendMLD(body, e.Event.(*device.MLDReceived))
	case kindStream:
		ev := e.Event.(device.StreamArrived)
		body = appendAddr(appendAddr(appendText(body, ev.Netdev), ev.Source), ev.Group)
	case kindReplica:
		body = appendReplica(body, e.Event.(device.Replicated))
	case kindEvent:
		body, err = appendGob(body, cold{e.Event})
	case kindSettings:
		body, err = appendGob(body, e.Settings)
	case kindDecision:
		body = binary.BigEndian.AppendUint64(body, e.Decision)
	}
	if err != nil {
		return dst, fmt.Errorf("record %T: %w", e.Event, err)
	}
	return append(binary.AppendUvarint(dst, uint64(len(body))), body...), nil
}

func appendGob(dst []byte, v any) ([]byte, error) {
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(v)
	return append(dst, b.Bytes()...), err
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendAddr(dst []byte, a netip.Addr) []byte {
	b := a.WithZone("").AsSlice()
	return append(append(dst, byte(len(b))), b...)
}

// Properties of a received message, as bits.
const (
	withAlert = 1 << iota
	inUnicast
)

// appendMLD appends a received message, without bytes that no code reads.
func appendMLD(dst []byte, ev *device.MLDReceived) []byte {
	dst = appendAddr(appendAddr(appendText(dst, ev.Netdev), ev.Meta.Src), ev.Meta.Dst)
	how := byte(0)
	if ev.Meta.RouterAlert {
		how |= withAlert
	}
	if ev.Meta.Unicast {
		how |= inUnicast
	}
	dst = append(dst, how, byte(ev.Meta.HopLimit))
	switch p := ev.Packet; p.Type {
	case mld.TypeQuery:
		return mld.AppendQuery(dst, p.Query)
	case mld.TypeReportV1:
		return mld.AppendReportV1(dst, p.Group)
	case mld.TypeDone:
		return mld.AppendDone(dst, p.Group)
	default:
		return mld.AppendReport(dst, p.Records)
	}
}

func appendReplica(dst []byte, ev device.Replicated) []byte {
	dst = appendText(dst, ev.Service)
	for _, o := range ev.Outcomes {
		dst = append(dst, byte(o.Kind))
		if o.Kind == device.StreamTold {
			dst = appendArrival(dst, &o.Arrival)
		}
		if !carriesRecord(o.Kind) {
			continue
		}
		r := &o.Record
		dst = binary.AppendUvarint(dst, uint64(r.BackupID))
		dst = binary.AppendUvarint(dst, uint64(r.SubInterface))
		dst = appendAddr(appendAddr(dst, r.Group), r.Host)
		dst = binary.BigEndian.AppendUint64(dst, uint64(r.Version.Clock))
		dst = binary.BigEndian.AppendUint64(dst, r.Version.Device)
		flags := byte(0)
		for i, set := range []bool{r.Exclude, r.V1, r.Deleted} {
			if set {
				flags |= 1 << i
			}
		}
		dst = binary.AppendVarint(append(dst, flags), int64(r.Left))
		dst = binary.AppendUvarint(dst, uint64(len(r.Sources)))
		for _, a := range r.Sources {
			dst = appendAddr(dst, a)
		}
		if o.Kind == device.ClockMoved {
			dst = binary.BigEndian.AppendUint64(dst, uint64(o.By))
		}
	}
	return dst
}

// appendArrival appends the peer's report about a stream.
func appendArrival(dst []byte, a *rbs.Arrival) []byte {
	dst = appendAddr(appendAddr(dst, a.Source), a.Group)
	flags := byte(0)
	for i, set := range []bool{a.Flows, a.StandsIn, a.Withdrawn, a.Asks, a.Answers} {
		if set {
			flags |= 1 << i
		}
	}
	return binary.AppendVarint(append(dst, flags), int64(a.Age))
}

func carriesRecord(k device.OutcomeKind) bool {
	return k <= device.RecordAcked || k == device.ClockMoved
}
