package device

import (
	"slices"
	"testing"
	"time"

	"tandem/internal/event"
	"tandem/internal/mld"
)

// holds lists the kinds of the active alarms.
func (r *rig) holds() (names []string) {
	for _, c := range r.dev.Conditions() {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// TestConditions: an alarm holds as long as its cause. It also ends when its object
// leaves the configuration.
func TestConditions(t *testing.T) {
	r := newRig(t)
	expect := func(when string, want ...*event.AlarmKind) {
		t.Helper()
		var names []string
		for _, k := range want {
			names = append(names, k.Name)
		}
		if slices.Sort(names); !slices.Equal(r.holds(), names) {
			t.Errorf("%s: %v, want %v", when, r.holds(), names)
		}
	}
	expect("before the peer has been waited for", event.NotReady)
	r.pass(time.Minute)
	expect("the peer never came", event.PeerLost, event.NotReady)

	s := rigSettings()
	noKey := s.ETrunks[1]
	noKey.Key = nil
	s.ETrunks[1] = noKey
	r.configure(s)
	expect("without a key", event.KeyNotConfigured, event.NotReady)

	r.configure(rigSettings())
	r.pass(time.Minute)
	r.handle(LinkChanged{Netdev: "up0", Exists: true, Index: 1})
	expect("no upstream", event.PeerLost, event.NotReady, event.UpstreamDown)
	r.handle(LinkChanged{Netdev: "eth-trunk10", Exists: true, Index: 2})
	expect("no leg either", event.PeerLost, event.LegDown, event.UpstreamDown)

	s = rigSettings()
	leg := s.Legs[Member{1, 10}]
	leg.Shutdown = true
	s.Legs[Member{1, 10}] = leg
	r.configure(s)
	expect("the operator holds the leg down", event.PeerLost, event.UpstreamDown)

	r.handle(ChannelListenFailed{Service: "rbs1", Reason: "port is taken"})
	expect("the channel cannot be", event.PeerLost, event.UpstreamDown, event.ChannelDown)

	r.configure(Settings{})
	expect("nothing is configured")
}

// TestRecordLimitIsAnAlarm: the alarm holds as long as the bound keeps further records
// out.
func TestRecordLimitIsAnAlarm(t *testing.T) {
	r := newRig(t)
	s := rigSettings()
	s.RecordLimit = 2
	r.configure(s)
	r.report("eth-trunk10", 1, 1, exactly(stream.Source))
	if slices.Contains(r.holds(), event.RecordsFull.Name) {
		t.Error("one record of two is the limit already")
	}
	r.report("eth-trunk10", 2, 1, exactly(stream.Source))
	if !slices.Contains(r.holds(), event.RecordsFull.Name) {
		t.Error("the limit is reached, and no alarm")
	}
	r.configure(rigSettings())
	if slices.Contains(r.holds(), event.RecordsFull.Name) {
		t.Error("the limit has gone, and the alarm has not")
	}
}

// TestDivergenceIsAnAlarm: the alarm begins within seconds after the databases have
// become different, and ends when they have been found equal again. This holds the second
// time, too.
func TestDivergenceIsAnAlarm(t *testing.T) {
	a, b := newRig(t), newPeer(t)
	for host := range 3 {
		a.report("eth-trunk10", host, 1, mld.GroupRecord{Type: mld.ChangeToExclude})
	}
	w := dial(a, b, 1)
	until := func(what string, limit time.Duration, done func() bool) {
		t.Helper()
		for began := a.now; !done(); w.step() {
			if a.now.Sub(began) > limit {
				t.Fatalf("not %s after %v: A holds %v, B %v", what, limit, a.holds(), b.holds())
			}
		}
	}
	alarmed := func(r *rig) bool { return slices.Contains(r.holds(), event.Diverged.Name) }
	equal := func() bool {
		st := a.dev.Snapshot(a.now, time.Time{}).Services[0]
		return st.InSync && st.LocalDigest == st.PeerDigest && st.LagRecords == 0
	}
	until("in sync", time.Second, equal)
	for range 2 {
		if alarmed(a) || alarmed(b) {
			t.Fatal("an alarm although nothing differs")
		}
		a.dev.downstreams.get("Eth-Trunk10").router.Restamp(1) // the peer does not learn of this
		until("noticed", 15*time.Second, func() bool { return alarmed(a) || alarmed(b) })
		until("cleared", 5*time.Second, func() bool { return !alarmed(a) && !alarmed(b) })
		if !equal() {
			t.Fatal("the alarm is over, and the databases are not equal")
		}
	}
}
