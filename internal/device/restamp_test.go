package device

import (
	"net/netip"
	"testing"
	"time"

	"tandem/internal/mld"
)

// TestLeaveHeardByADeviceWhoseClockIsBehind: a device with a clock that is an hour behind
// restarts while its peer cannot be reached, and receives a leave. When the two devices
// meet, the older join must not win over the leave.
func TestLeaveHeardByADeviceWhoseClockIsBehind(t *testing.T) {
	behind := newRig(t)
	ahead := newPeerAhead(t, time.Hour)
	join := mld.GroupRecord{Type: mld.ChangeToExclude}
	leave := mld.GroupRecord{Type: mld.ChangeToInclude}
	for host := range 3 {
		ahead.report("eth-trunk10.100", host, 1, join)
	}
	ahead.pass(time.Second)
	behind.pass(time.Second)
	behind.report("eth-trunk10.100", 1, 1, leave)
	behind.report("eth-trunk10.100", 5, 1, join) // the peer learns of this only later
	connect(behind, ahead, 1)
	for _, r := range []*rig{behind, ahead} {
		var hosts []netip.Addr
		for _, g := range r.dev.Groups(r.now, "Eth-Trunk10.100") {
			for _, h := range g.Hosts {
				hosts = append(hosts, h.Host)
			}
		}
		if len(hosts) != 3 || hosts[0] != hostOf(0) || hosts[1] != hostOf(2) || hosts[2] != hostOf(5) {
			t.Errorf("device %d knows %v", r.dev.id, hosts)
		}
	}
	if n := behind.dev.exceptions.waiting + ahead.dev.exceptions.waiting; n != 0 {
		t.Errorf("%d listeners count as unknown to the peer", n)
	}
}
