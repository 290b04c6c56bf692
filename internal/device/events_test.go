package device

import (
	"net/netip"
	"testing"

	"tandem/internal/event"
	"tandem/internal/mld"
)

// A querier of another version is told to the operator, and not with every query.
func TestVersionMismatchIsTold(t *testing.T) {
	r := newRig(t)
	var told []event.Event
	for range 3 {
		r.dev.Handle(r.now, &MLDReceived{
			Netdev: "eth-trunk10",
			Meta:   mld.Meta{Src: netip.MustParseAddr("fe80::ff"), HopLimit: 1, RouterAlert: true},
			Packet: &mld.Packet{Type: mld.TypeQuery, Query: mld.Query{Version: 1, Group: netip.IPv6Unspecified()}},
		})
		told = append(told, r.dev.Effects().Events...)
	}
	want := "Interface=Eth-Trunk10, Querier=fe80::ff, QueryVersion=1, Version=2"
	if len(told) != 1 || told[0].Kind != event.MLDVersionMismatch || told[0].Facts() != want {
		t.Errorf("told %+v", told)
	}
}
