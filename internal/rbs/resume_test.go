package rbs

import (
	"reflect"
	"testing"
	"time"

	"tandem/internal/resumetest"
)

// TestMemoryIsWhole: a successor gets all state of a Service that outlives a connection.
func TestMemoryIsWhole(t *testing.T) {
	const connection = "of the connections, which are made anew"
	resumetest.Fields(t, reflect.TypeFor[Service](), []string{"kept"}, map[string]string{
		"store": "is given", "clock": "is given, with its state", "device": "is given", "boot": "is given", "rng": "is random", "streams": "is given",
		"cfg": "is given", "active": "follows from cfg", "now": "is told",
		"current": connection, "candidate": connection, "listening": connection, "dialledAt": connection,
		"retryAt": connection, "failures": connection, "tcp": connection, "tcpSince": connection,
	})
	resumetest.Fields(t, reflect.TypeFor[Clock](), []string{"base", "ahead", "last"}, nil)
	resumetest.Survives(t, ServiceMemory{})
	resumetest.Survives(t, ClockState{})
}

// TestServiceAfterARestart: displays and the next HELLO continue from the state before,
// including changes that the peer had not acknowledged.
func TestServiceAfterARestart(t *testing.T) {
	w := newWorld(t, 1)
	w.run(time.Second)
	n := w.nodes[0]
	w.partition = true
	for i := range 5 {
		n.write(i, false)
	}
	w.run(100 * time.Millisecond)
	before := n.state()
	if before.LagRecords != 5 || before.TCP != Connected || before.Counters.Established == 0 {
		t.Fatalf("%+v", before)
	}
	memory := n.svc.Memory(w.now)
	n.svc = NewService(n.store, n.clock, n.store.device, 7, w.rng)
	n.svc.Resume(memory)
	n.configure(true)
	after := n.state()
	if after.LagRecords != 5 || after.Lag != before.Lag || after.LastUp != before.LastUp || after.PeerDeviceID != before.PeerDeviceID ||
		after.Counters != before.Counters || after.Lags != before.Lags || after.LastDifference != before.LastDifference || after.LastFull != before.LastFull {
		t.Errorf("%+v, was\n%+v", after, before)
	}
	if session := n.svc.newLink(w.now, 99, Security{}).session; session.cfg.Untold != 5 || session.cfg.Met != memory.Peer.Boot {
		t.Errorf("greets with %d changes untold, and as one who has met %x", session.cfg.Untold, session.cfg.Met)
	}
}
