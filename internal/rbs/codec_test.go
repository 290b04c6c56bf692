package rbs

import (
	"bytes"
	"errors"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// goldenFrames are the examples of docs/protocol/rbs.md, which were written by hand from its
// tables.
var goldenFrames = map[string][]byte{
	"HELLO": AppendHello(nil, Hello{MinVersion: 1, MaxVersion: 2, Features: featureStatus | featureArriving, Buckets: 256, Device: 7, Boot: 0xdeadbeef,
		Clock: 0x0198000000000001, Untold: 5}),
	"KEEPALIVE":      appendKeepalive(nil, 0x0123456789abcdef),
	"DIGESTS":        appendDigests(nil, 2, []uint64{1, math.MaxUint64}),
	"ACK":            appendAck(nil, 3),
	"END-OF-SYNC":    appendEndOfSync(nil, 4),
	"STATUS-REQUEST": appendStatusRequest(nil),
	"STATUS":         appendStatus(nil, []byte("{}")),
	"ERROR":          errorBytes(codeVersion, "old"),
	"BUCKET-REQUEST": appendRequestEntry(appendRequestEntry(appendBucketRequest(nil, true), 0, 5, []uint64{0xaa}), 0, 6, nil),
	"RECORDS":        appendRecord(appendRecords(nil, 1), 0, &goldenRecord),
	"BATCH":          appendBatch(1, &goldenRecord, &goldenLeave),
	"BRANCH-REQUEST": appendBranchRequest(nil, 0xdeadbeef, []uint32{5, 6}),
	"BRANCH":         appendBranch(nil, 5, &[Leaves]uint32{1: leafTombstones, 2: 0x01234567}),
	"LEAF-REQUEST":   appendLeafRequest(nil, 0xdeadbeef, []leafRequest{{Leaf: 0x502, Held: []uint32{10, 11}}, {Leaf: 0x601}}),
	"ARRIVING": appendArrival(appendArrival(appendArriving(nil, arrivingBegin|arrivingComplete), 0, &goldenArrival), 0,
		&Arrival{Stream: streamOf(2), Age: 25 * time.Millisecond}),
}

// goldenArrival is a stream that arrives here and not at the peer.
var goldenArrival = Arrival{
	Stream: Stream{Source: netip.MustParseAddr("2001:db8::1"), Group: netip.MustParseAddr("ff3e::8000:1")},
	Flows:  true, StandsIn: true, Age: time.Millisecond,
}

// appendBatch makes a BATCH frame.
func appendBatch(sequence uint64, records ...*Record) []byte {
	var b batchWriter
	frame := b.begin(nil, sequence)
	for _, rec := range records {
		frame = b.add(frame, rec)
	}
	return frame
}

// goldenLeave is the tombstone of another host.
var goldenLeave = Record{
	Key: Key{
		BackupID: 10, SubInterface: 100,
		Group: netip.MustParseAddr("ff3e::8000:1"), Host: netip.MustParseAddr("fe80::2"),
	},
	Version: Version{Clock: 0x0198000000000002, Device: 7},
	Deleted: true,
}

var goldenRecord = Record{
	Key: Key{
		BackupID: 10, SubInterface: 100,
		Group: netip.MustParseAddr("ff3e::8000:1"), Host: netip.MustParseAddr("fe80::1"),
	},
	Version: Version{Clock: 0x0198000000000001, Device: 7},
	Exclude: true,
	Sources: []netip.Addr{netip.MustParseAddr("2001:db8::1")},
	Left:    260 * time.Second,
}

func TestGoldenFrames(t *testing.T) {
	for name, want := range examples(t) {
		if got := goldenFrames[name]; !bytes.Equal(got, want) {
			t.Errorf("%s:\ngot  %x\nwant %x", name, got, want)
		}
	}
}

func TestRecordRoundTrip(t *testing.T) {
	table := []Record{goldenRecord, goldenRecord, goldenRecord}
	table[1].Sources, table[1].V1, table[1].Exclude = nil, true, false
	table[2].Deleted, table[2].Host = true, netip.IPv6Unspecified()
	frame := appendRecords(nil, 9)
	for i := range table {
		frame = appendRecord(frame, 0, &table[i])
	}
	f, _, _ := nextFrame(frame)
	records, err := parseRecords(f.Body)
	if err != nil || records.Sequence != 9 {
		t.Fatal(records.Sequence, err)
	}
	for i := range table {
		var got Record
		if ok, err := records.Next(&got); !ok || err != nil {
			t.Fatal(i, ok, err)
		}
		if d := cmp.Diff(table[i], got, cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("record %d (-want +got):\n%s", i, d)
		}
	}
	if ok, err := records.Next(new(Record)); ok || err != nil {
		t.Fatal(ok, err)
	}
}

// TestUnknownAdditionsAreSkipped: fields that a later release adds must not disturb this one.
func TestUnknownAdditionsAreSkipped(t *testing.T) {
	long := AppendHello(nil, Hello{MinVersion: 1, MaxVersion: 9, Features: 0xff, Buckets: 1})
	h, err := parseHello(append(long[headerSize:], "more"...))
	if err != nil || h.MaxVersion != 9 {
		t.Fatal(h, err)
	}
	frame := appendRecord(appendRecords(nil, 1), 0, &goldenRecord)
	frame = append(frame, 1, 2, 3, 4) // a longer record with flags that are unknown here
	record := frame[headerSize+recordsFixed:]
	record[1], record[2], record[3] = byte(len(record)), record[2]|0xf8, 0xff
	records, err := parseRecords(frame[headerSize:])
	if err != nil {
		t.Fatal(err)
	}
	var got Record
	if ok, err := records.Next(&got); !ok || err != nil || got.Key != goldenRecord.Key || !got.Exclude {
		t.Fatal(got, err)
	}
	if ok, err := records.Next(&got); ok || err != nil {
		t.Fatal(ok, err)
	}
}

func TestMalformedBodiesAreRefused(t *testing.T) {
	mutate := func(name string, at int, b ...byte) []byte {
		frame := bytes.Clone(goldenFrames[name])
		copy(frame[headerSize+at:], b)
		return frame[headerSize:]
	}
	hello := func(b []byte) error { _, err := parseHello(b); return err }
	digests := func(b []byte) error { _, err := parseDigests(b); return err }
	request := func(b []byte) error { _, err := parseBucketRequest(b); return err }
	number := func(b []byte) error { _, err := parseAck(b); return err }
	streams := func(b []byte) error { _, err := parseArriving(b); return err }
	records := func(b []byte) error {
		r, err := parseRecords(b)
		for more := err == nil; more; {
			more, err = r.Next(new(Record))
		}
		return err
	}
	table := []struct {
		name  string
		parse func([]byte) error
		body  []byte
		want  string
	}{
		{"hello cut", hello, make([]byte, 39), "at least 40"},
		{"hello magic", hello, mutate("HELLO", 0, 0), "magic"},
		{"hello versions", hello, mutate("HELLO", 4, 0, 3), "versions 3..2"},
		{"hello no buckets", hello, mutate("HELLO", 12, 0, 0, 0, 0), "0 buckets"},
		{"hello many buckets", hello, mutate("HELLO", 12, 0, 1, 0, 1), "65537 buckets"},
		{"hello clock", hello, mutate("HELLO", 32, 0x80), "clock"},
		{"ack cut", number, make([]byte, 7), "at least 8"},
		{"digests none", digests, make([]byte, 4), "multiple"},
		{"digests ragged", digests, make([]byte, 13), "multiple"},
		{"digests bucket", digests, mutate("DIGESTS", 0, 0, 0, 0xff, 0xff), "bucket 65536"},
		{"request empty", request, nil, "at least 1"},
		{"request cut", request, make([]byte, 4), "entry of 3"},
		{"request bucket", request, mutate("BUCKET-REQUEST", 1, 0, 1, 0, 0), "bucket 65536"},
		{"request count", request, mutate("BUCKET-REQUEST", 5, 0xff, 0xff), "entry of"},
		{"records cut", records, make([]byte, 7), "at least 8"},
		{"record cut", records, make([]byte, 8+65), "record of 65"},
		{"record size", records, mutate("RECORDS", 8, 0, 65), "record of 65"},
		{"record beyond", records, mutate("RECORDS", 8, 0, 83), "record of 83"},
		{"record sources", records, mutate("RECORDS", 8+64, 0xff, 0xff), "65535 sources"},
		{"record group", records, mutate("RECORDS", 8+32, 0xfe), "not an IPv6 multicast"},
		{"record host", records, mutate("RECORDS", 8+48, 0xff), "is a multicast"},
		{"streams empty", streams, nil, "multiple of 37"},
		{"streams ragged", streams, make([]byte, 39), "multiple of 37"},
		{"streams group", streams, mutate("ARRIVING", 22, 0xfe), "not an IPv6 multicast"},
		{"streams source", streams, mutate("ARRIVING", 6, 0xff), "cannot send"},
		{"streams no source", streams, mutate("ARRIVING", 6, make([]byte, 16)...), "cannot send"},
		{"record clock", records, mutate("RECORDS", 8+16, 0xff), "clock"},
	}
	for _, c := range table {
		err := c.parse(c.body)
		var format *formatError
		if !errors.As(err, &format) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want a FormatError with %q", c.name, err, c.want)
		}
	}
	if _, n, err := nextFrame([]byte{0, 3, 1, 0}); n != 0 || err == nil {
		t.Errorf("a frame shorter than its header: %d, %v", n, err)
	}
}

func TestErrorTextIsBoundedAndPrintable(t *testing.T) {
	b := errorBytes(codeFormat, strings.Repeat("é", 300))
	if code, text, err := parseError(b[headerSize:]); err != nil || code != codeFormat || text != strings.Repeat("é", 128) {
		t.Fatal(code, text, err)
	}
	if _, text, err := parseError([]byte{0, 1, 0xff, 'x'}); err != nil || text != `"\xffx"` {
		t.Fatal(text, err)
	}
}

func TestLeftIsKeptInRange(t *testing.T) {
	for d, want := range map[time.Duration]uint32{
		-time.Hour: 0, 0: 0, 1: 1, time.Millisecond: 1, math.MaxInt64: math.MaxUint32,
	} {
		if got := leftMillis(d); got != want {
			t.Errorf("%v: %d ms, want %d", d, got, want)
		}
	}
}

// FuzzFrames decodes any bytes. What can be decoded must have the same encoding again.
func FuzzFrames(f *testing.F) {
	for _, g := range goldenFrames {
		f.Add(g)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, n, err := nextFrame(b)
		if err != nil || n == 0 {
			return
		}
		if again := remake(frame); again != nil {
			second, _, err := nextFrame(again)
			if err != nil {
				t.Fatal(err)
			}
			if third := remake(second); !bytes.Equal(again, third) {
				t.Fatalf("%x\n%x", again, third)
			}
		}
	})
}

// remake decodes a frame and encodes it again. It returns nil if the frame is malformed or
// unknown.
func remake(f frame) (b []byte) {
	switch f.Type {
	case frameHello:
		if h, err := parseHello(f.Body); err == nil {
			return AppendHello(nil, h)
		}
	case frameDigests:
		if d, err := parseDigests(f.Body); err == nil {
			var values []uint64
			for i := range d.Len() {
				values = append(values, d.At(i))
			}
			return appendDigests(nil, d.First, values)
		}
	case frameBucketRequest:
		if r, err := parseBucketRequest(f.Body); err == nil {
			b = appendBucketRequest(nil, r.Last)
			for bucket, held, ok := r.Next(nil); ok; bucket, held, ok = r.Next(held) {
				b = appendRequestEntry(b, 0, bucket, held)
			}
			return b
		}
	case frameRecords:
		r, err := parseRecords(f.Body)
		if err != nil {
			return nil
		}
		b = appendRecords(nil, r.Sequence)
		var rec Record
		for {
			more, err := r.Next(&rec)
			if err != nil {
				return nil
			}
			if !more {
				return b
			}
			b = appendRecord(b, 0, &rec)
		}
	case frameBatch:
		r, err := parseBatch(f.Body)
		if err != nil {
			return nil
		}
		var records []*Record
		for {
			var rec Record
			more, err := r.Next(&rec)
			if err != nil {
				return nil
			}
			if !more {
				return appendBatch(r.Sequence, records...)
			}
			records = append(records, &rec)
		}
	case frameBranchRequest:
		if salt, buckets, err := parseBranchRequest(f.Body); err == nil {
			return appendBranchRequest(nil, salt, buckets)
		}
	case frameBranch:
		if bucket, values, err := parseBranch(f.Body); err == nil {
			return appendBranch(nil, bucket, &values)
		}
	case frameLeafRequest:
		if salt, requests, err := parseLeafRequest(f.Body); err == nil {
			return appendLeafRequest(nil, salt, requests)
		}
	case frameArriving:
		if r, err := parseArriving(f.Body); err == nil {
			b = appendArriving(nil, f.Body[0]&(arrivingBegin|arrivingComplete))
			for a, more := r.Next(); more; a, more = r.Next() {
				b = appendArrival(b, 0, &a)
			}
			return b
		}
	case frameError:
		if code, text, err := parseError(f.Body); err == nil {
			return errorBytes(code, text)
		}
	}
	return nil
}

func BenchmarkRecords(b *testing.B) {
	var frame []byte
	var rec Record
	b.ReportAllocs()
	for b.Loop() {
		frame = appendRecord(appendRecords(frame[:0], 1), 0, &goldenRecord)
		r, _ := parseRecords(frame[headerSize:])
		if ok, err := r.Next(&rec); !ok || err != nil {
			b.Fatal(err)
		}
	}
}
