package device

import (
	"net/netip"
	"testing"
	"time"

	"tandem/internal/event"
	"tandem/internal/mld"
)

// A querier of another MLD version is logged, but not for every query.
func TestVersionMismatchIsTold(t *testing.T) {
	r := newRig(t)
	var told []event.Event
	for range 3 {
		r.dev.Handle(r.now, &MLDReceived{
			Netdev: "eth-trunk10",
			Meta:   mld.Meta{Src: netip.MustParseAddr("fe80::ff"), Dst: netip.MustParseAddr("ff02::1"), HopLimit: 1, RouterAlert: true},
			Packet: &mld.Packet{Type: mld.TypeQuery, Query: mld.Query{Version: 1, Group: netip.IPv6Unspecified()}},
		})
		told = append(told, r.dev.Effects().Events...)
	}
	want := "Interface=Eth-Trunk10, Querier=fe80::ff, QueryVersion=1, Version=2"
	if len(told) != 1 || told[0].Kind != event.MLDVersionMismatch || told[0].Facts() != want {
		t.Errorf("told %+v", told)
	}
}

// A malformed message is counted for the interface on which it came in, upstream
// interface included, and for the whole device.
func TestMalformedIsCountedWhereItCameIn(t *testing.T) {
	r := newRig(t)
	for _, netdev := range []string{"eth-trunk10", "eth-trunk10", "up0", "elsewhere"} {
		r.handle(MLDMalformed{Netdev: netdev})
	}
	s := r.dev.Snapshot(r.now, time.Time{})
	for _, i := range s.Interfaces {
		want := map[string]uint64{"eth-trunk10": 2, "up0": 1}[i.Netdev]
		if got := i.MLD.Counters.Drops.Malformed; got != want {
			t.Errorf("%s: %d, want %d", i.Netdev, got, want)
		}
	}
	if got := s.Counters.MLDMalformed; got != 4 {
		t.Errorf("%d on the whole device, want 4", got)
	}
}
