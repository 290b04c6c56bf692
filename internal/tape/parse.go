package tape

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"fmt"
	"net/netip"
	"time"

	"tandem/internal/device"
	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/rbs"
)

// reader decodes an entry. After an error it returns only zeros.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n uint64) []byte {
	if r.bad || n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	part := r.b[:n]
	r.b = r.b[n:]
	return part
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	r.bad = r.bad || n <= 0
	r.take(uint64(max(n, 0)))
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	r.bad = r.bad || n <= 0
	r.take(uint64(max(n, 0)))
	return v
}

func (r *reader) byte() byte {
	if b := r.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.take(8); len(b) == 8 {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (r *reader) text() string { return string(r.take(r.uvarint())) }

func (r *reader) addr() netip.Addr {
	n := r.byte()
	b := r.take(uint64(n))
	if n == 0 || r.bad {
		return netip.Addr{}
	}
	a, ok := netip.AddrFromSlice(b)
	r.bad = r.bad || !ok
	return a
}

// parseEntry decodes the entry at the start of b and returns its size in bytes.
func parseEntry(b []byte, last instant.Time) (e Entry, size int, err error) {
	length, n := binary.Uvarint(b)
	if n <= 0 || length == 0 || length > uint64(len(b)-n) {
		return e, 0, errEntry
	}
	size = n + int(length)
	r := reader{b: b[n:size]}
	e.Kind = r.byte()
	e.At = last.Add(time.Duration(r.varint()))
	switch e.Kind {
	case kindTick, kindRetire:
	case kindMLD:
		e.Event, err = r.mld()
	case kindStream:
		e.Event = device.StreamArrived{Netdev: r.text(), Source: r.addr(), Group: r.addr()}
	case kindReplica:
		e.Event = r.replica()
	case kindEvent:
		var c cold
		err = gob.NewDecoder(bytes.NewReader(r.b)).Decode(&c)
		e.Event = c.Event
		r.bad = r.bad || c.Event == nil
	case kindSettings:
		e.Settings = new(device.Settings)
		err = gob.NewDecoder(bytes.NewReader(r.b)).Decode(e.Settings)
	case kindDecision:
		e.Decision = r.uint64()
	default:
		err = fmt.Errorf("%w: kind %d", errEntry, e.Kind)
	}
	if err == nil && (r.bad || e.At < last) {
		err = errEntry
	}
	return e, size, err
}

func (r *reader) mld() (device.Event, error) {
	ev := &device.MLDReceived{Netdev: r.text(), Packet: new(mld.Packet)}
	ev.Meta.Src, ev.Meta.Dst = r.addr(), r.addr()
	how := r.byte()
	ev.Meta.RouterAlert, ev.Meta.Unicast, ev.Meta.HopLimit = how&withAlert != 0, how&inUnicast != 0, int(r.byte())
	if r.bad {
		return nil, errEntry
	}
	return ev, ev.Packet.Parse(r.b)
}

func (r *reader) replica() device.Event {
	ev := device.Replicated{Service: r.text()}
	for !r.bad && len(r.b) > 0 {
		o := device.Outcome{Kind: device.OutcomeKind(r.byte())}
		r.bad = r.bad || o.Kind > device.StreamsNotTold
		if o.Kind == device.StreamTold {
			a := &o.Arrival
			a.Source, a.Group = r.addr(), r.addr()
			flags := r.byte()
			a.Flows, a.StandsIn, a.Withdrawn, a.Asks, a.Answers = flags&1 != 0, flags&2 != 0, flags&4 != 0, flags&8 != 0, flags&16 != 0
			a.Age = time.Duration(r.varint())
		}
		if carriesRecord(o.Kind) {
			rec := &o.Record
			rec.BackupID, rec.SubInterface = uint32(r.uvarint()), uint32(r.uvarint())
			rec.Group, rec.Host = r.addr(), r.addr()
			rec.Version = rbs.Version{Clock: rbs.Stamp(r.uint64()), Device: r.uint64()}
			flags := r.byte()
			rec.Exclude, rec.V1, rec.Deleted = flags&1 != 0, flags&2 != 0, flags&4 != 0
			rec.Left = time.Duration(r.varint())
			for n := r.uvarint(); n > 0 && !r.bad; n-- {
				rec.Sources = append(rec.Sources, r.addr())
			}
			if o.Kind == device.ClockMoved {
				o.By = rbs.Stamp(r.uint64())
			}
		}
		ev.Outcomes = append(ev.Outcomes, o)
	}
	return ev
}
