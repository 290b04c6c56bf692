package state

import (
	"testing"

	"tandem/internal/etrunk"
)

// TestSentOn: the displays show whether the gate lets a stream pass, and why. An
// exception counts before a closed interface.
func TestSentOn(t *testing.T) {
	for _, c := range []struct {
		covers etrunk.Buckets
		route  Route
		sends  bool
		reason string
	}{
		{etrunk.AllBuckets, Route{}, true, "all buckets are ours"},
		{etrunk.AllBuckets, Route{Arrival: Arrival{InStead: ByPeer}}, true, "all buckets are ours"},
		{etrunk.Bucket0, Route{}, true, "its bucket is ours"},
		{etrunk.Bucket0, Route{Arrival: Arrival{InStead: ByPeer}}, false, "its bucket is ours, but it does not arrive: the peer sends it"},
		{etrunk.Bucket0, Route{Bucket: 1}, false, "its bucket is the peer's"},
		{etrunk.Bucket0, Route{Bucket: 1, Orphan: true}, true, "orphan: the peer does not know the listener yet"},
		{etrunk.Bucket0, Route{Bucket: 1, Arrival: Arrival{InStead: BySelf}}, true, "it does not arrive at the peer: sent in its stead"},
		{etrunk.NoBuckets, Route{}, false, "the peer sends everything"},
		{etrunk.NoBuckets, Route{Orphan: true}, true, "orphan: the peer does not know the listener yet"},
		{etrunk.NoBuckets, Route{Arrival: Arrival{InStead: BySelf}}, true, "it does not arrive at the peer: sent in its stead"},
	} {
		got := c.route.sentOn("Eth-Trunk10", []Downstream{{Name: "Eth-Trunk10", Covers: c.covers}})
		if want := (Outgoing{"Eth-Trunk10", c.sends, c.reason}); got != want {
			t.Errorf("%+v where the gate passes %v: %+v, want %+v", c.route, c.covers, got, want)
		}
	}
}
