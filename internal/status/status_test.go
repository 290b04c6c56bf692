package status

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/event"
	"tandem/internal/mld"
	"tandem/internal/proof"
	"tandem/internal/rbs"
	"tandem/internal/state"
)

func facts() Facts {
	up, down := device.InterfaceSnapshot{Name: "up0", Upstream: true, Up: true}, device.InterfaceSnapshot{Name: "Eth-Trunk10", Up: true}
	down.MLD.Groups, down.MLD.Records, down.MLD.Counters.Activity = 3, 5, mld.Activity{Joins: 9, Leaves: 4}
	return Facts{
		Name: "A", Version: "v1",
		Snapshot: state.DeviceOf(device.Snapshot{
			DeviceID: 0xa11ce, Interfaces: []device.InterfaceSnapshot{up, down},
			ETrunks: []etrunk.State{{ID: 1, Role: etrunk.DeviceMaster, PeerAlive: true, Members: []etrunk.MemberState{{ID: 10, Role: etrunk.MemberMaster, Local: etrunk.Announcement{
				Up: true, Ready: true, Role: etrunk.MemberMaster, Covers: etrunk.Bucket0}}}}},
			Members: []device.MemberSnapshot{{Member: device.Member{ETrunk: 1, EthTrunk: 10},
				Duty: device.Duty{Kind: device.DutyShared, Querier: true, Reason: "both are ready"}}},
			Services: []rbs.State{{Name: "rbs1", TCP: rbs.Connected, InSync: true, LagRecords: 2, Lag: 3e6}},
		}),
		Sessions: []Session{{"core", "Up"}},
		Alarms:   []event.Alarm{{Condition: event.Condition{AlarmKind: event.PeerLost, Object: "ETrunkId=1"}}},
	}
}

// TestAlone: what a device tells of itself comes to its peer. An older release tells nothing, which is not the same as
// nothing to tell.
func TestAlone(t *testing.T) {
	d := Of(facts())
	if len(d.Alone) == 0 || len(d.Proofs) != 0 {
		t.Errorf("a device without a gate can serve alone, or has shown something: %+v, %+v", d.Alone, d.Proofs)
	}
	got, err := Parse(Encode(d, rbs.MaxStatus))
	if told := got.PeerTold(time.Second); err != nil || told.ID != d.ID || told.Age != time.Second || len(told.Alone) != len(d.Alone) ||
		told.Alone[0].Object != d.Alone[0].Object || told.Alone[0].Reason != d.Alone[0].Reason ||
		len(told.Sees) != len(d.Sees) || len(d.Sees) == 0 {
		t.Errorf("%v: %+v is told as %+v", err, d.Alone, told)
	}
	got, err = Parse([]byte(`{"id":"1","name":"B"}`))
	if told := got.PeerTold(0); err != nil || told.Alone != nil || told.Sees != nil || got.Proofs == nil {
		t.Errorf("an older release: %v, %+v", err, got)
	}
	got, err = Parse([]byte(`{"id":"1","alone":[]}`))
	if told := got.PeerTold(0); err != nil || told.Alone == nil || len(told.Alone) != 0 {
		t.Errorf("nothing to tell: %v, %+v", err, told)
	}
	s := facts()
	s.Snapshot.ETrunks[0].Proofs = []state.Proof{{Object: "Eth-Trunk10", Kind: "able", Verdict: proof.Refuted, For: time.Minute, Reason: "down"}}
	want := Proof{1, "Eth-Trunk10", "able", "no", s.Snapshot.At.Add(-time.Minute).UnixMilli(), "down"}
	if d = Of(s); len(d.Proofs) != 1 || d.Proofs[0] != want {
		t.Errorf("proofs %+v", d.Proofs)
	}
}

func TestOf(t *testing.T) {
	d := Of(facts())
	member := Member{Trunk: 1, ID: 10, Up: true, Mode: "auto", Role: "Master", Reason: "FORCE_BACKUP", Ready: true, Duty: "shared",
		Why: "both are ready", Covers: "0", Querier: true}
	if len(d.Members) != 1 || d.Members[0] != member {
		t.Errorf("members %+v", d.Members)
	}
	if want := (Totals{Groups: 3, Records: 5, Joins: 9, Leaves: 4, LagRecords: 2, Lag: 3}); d.Totals != want {
		t.Errorf("totals %+v, want %+v", d.Totals, want)
	}
	if d.Upstream == nil || d.Upstream.Name != "up0" || len(d.Interfaces) != 1 || d.Trunks[0].Role != "Master" || d.Alarms[0].Severity != "Major" {
		t.Errorf("%+v", d)
	}
}

// TestTravel: the status shows the same after encoding for the peer and decoding.
func TestTravel(t *testing.T) {
	d := Of(facts())
	got, err := Parse(Encode(d, rbs.MaxStatus))
	if err != nil || !reflect.DeepEqual(got, d) {
		t.Errorf("%v:\n%+v\n%+v", err, got, d)
	}
	for range 1000 {
		d.Alarms = append(d.Alarms, Alarm{Detail: strings.Repeat("x", 100)})
	}
	b := Encode(d, rbs.MaxStatus)
	if got, err = Parse(b); err != nil || len(b) > rbs.MaxStatus || len(got.Members) != 1 || len(got.Alarms) != 0 {
		t.Errorf("%v, %d bytes", err, len(b))
	}
}

func TestWhatCannotBeRead(t *testing.T) {
	for _, text := range []string{"", "{}", "null", "[]", `{"id":"1","members":null}`, `{"id":7}`, `{"id":"1","members":[{"id":"x"}]}`} {
		if d, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s is read as %+v", text, d)
		}
	}
	later := `{"id":"1","name":"B","new":{"field":1}}`
	if d, err := Parse([]byte(later)); err != nil || d.Name != "B" || d.Members == nil {
		t.Errorf("of a later release: %+v, %v", d, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Encode(Of(facts()), rbs.MaxStatus))
	f.Add([]byte(`{"id":"1","alarms":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Parse(b)
		if err != nil {
			return
		}
		if _, err := json.Marshal(d); err != nil {
			t.Fatal(err)
		}
	})
}

func TestHistory(t *testing.T) {
	var h history
	h.add(1, Totals{Joins: 100}, Totals{})
	h.add(2, Totals{Joins: 103, Leaves: 1}, Totals{Joins: 50})
	h.add(3, Totals{Joins: 103, Leaves: 2}, Totals{Joins: 57})
	h.add(4, Totals{Joins: 104, Leaves: 2}, Totals{Joins: 2}) // the peer's counters began again
	s := h.list()
	for i, want := range [][2]uint64{{0, 0}, {3, 1}, {7, 1}, {1, 0}} {
		if s[i].Joins != want[0] || s[i].Leaves != want[1] {
			t.Errorf("second %d: %d joins, %d leaves, want %v", i, s[i].Joins, s[i].Leaves, want)
		}
	}
	for i := range 2 * depth {
		h.add(int64(5+i), Totals{}, Totals{})
	}
	if s = h.list(); len(s) != depth || s[depth-1].At != int64(4+2*depth) {
		t.Errorf("%d samples, the last of second %d", len(s), s[len(s)-1].At)
	}
}

func TestBoard(t *testing.T) {
	var b Board
	if _, at := b.Peer(); !at.IsZero() {
		t.Errorf("the peer told at %v", at)
	}
	b.AddSample(1000, Totals{Joins: 5})
	now := time.Now()
	b.SetPeer(Device{Name: "b", Totals: Totals{Joins: 7}}, now)
	b.AddSample(2000, Totals{Joins: 6})
	if peer, at := b.Peer(); peer.Name != "b" || at != now {
		t.Errorf("the peer is %q and told at %v", peer.Name, at)
	}
	samples := b.Samples()
	if len(samples) != 2 || samples[0].Peer != (Totals{}) || samples[1].Peer.Joins != 7 || samples[1].Joins != 1 {
		t.Errorf("%+v", samples)
	}
	for i := range handoversKept + 3 {
		before := b.Handovers()
		b.AddHandover(Handover{At: int64(i)})
		if i > 0 && before[0].At != int64(i-1) {
			t.Errorf("a list that was given out has changed: %+v", before)
		}
	}
	if list := b.Handovers(); len(list) != handoversKept || list[0].At != handoversKept+2 || list[handoversKept-1].At != 3 {
		t.Errorf("%+v", list)
	}
}
