package rbs

import (
	"bytes"
	"testing"
	"time"
)

// TestStatus: each end gets the other's status once for each request. One status has the
// maximum length and is sent while records are sent.
func TestStatus(t *testing.T) {
	w := newWorld(t, 7)
	long := bytes.Repeat([]byte("x"), MaxStatus)
	for _, n := range w.nodes {
		n.status = long
	}
	w.nodes[0].svc.AskStatus(w.now, &w.nodes[0].fx) // not connected, so there is no peer to request it from
	w.run(time.Second)
	for round := range 2 {
		for i := range 3000 {
			w.nodes[i%2].write(i+3000*round, false)
		}
		for _, n := range w.nodes {
			n.svc.AskStatus(w.now, &n.fx)
			n.carryOut()
		}
		w.run(time.Second)
		for _, n := range w.nodes {
			if len(n.told) != round+1 || !bytes.Equal(n.told[round], long) {
				t.Errorf("round %d: node %d was told %d times", round, n.id, len(n.told))
			}
		}
	}
	w.converged()
}

// TestStatusOfAnOldRelease: a peer without the feature gets no request. A status that is
// too long is not sent.
func TestStatusOfAnOldRelease(t *testing.T) {
	s := testSession(newMemory(1, 16))
	if err := s.Receive(after(0), AppendHello(nil, helloOf(2))); err != nil {
		t.Fatal(err)
	}
	svc := &Service{current: &link{session: s}, tcp: Connected}
	var fx Effects
	svc.AskStatus(after(0), &fx)
	svc.TellStatus(after(0), make([]byte, MaxStatus+1), &fx)
	if s.status.pending() {
		t.Error("asked or told")
	}
}

// TestLags: every record that is acknowledged is counted with its time.
func TestLags(t *testing.T) {
	w := newWorld(t, 8)
	w.run(time.Second)
	w.slow = 30 * time.Millisecond
	for i := range 100 {
		w.nodes[0].write(i, false)
	}
	w.run(2 * time.Second)
	lags := w.nodes[0].state().Lags
	if mean := lags.Sum / time.Duration(max(lags.Count(), 1)); lags.Count() != 100 || mean < 30*time.Millisecond {
		t.Errorf("%d records, %v each", lags.Count(), mean)
	}
}
