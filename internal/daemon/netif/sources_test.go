package netif_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"tandem/internal/event"
	"tandem/internal/linux/testnet"
)

// TestSourceMissing: while no interface has a source address that the configuration uses,
// there is an alarm.
func TestSourceMissing(t *testing.T) {
	const speaking = `
remote-backup-service rbs1
 peer-ipv6 2001:db8::2 source-ipv6 2001:db8::1
#
e-trunk 1
 security-key simple Some-Key-1
 peer-ipv6 2001:db8::2 source-ipv6 2001:db8::1
`
	r := newCable(t)
	missing := func(want ...string) {
		t.Helper()
		var got []string
		for _, c := range r.Conditions() {
			if c.AlarmKind != event.SourceMissing && c.AlarmKind != event.InterfaceAbsent {
				t.Errorf("an alarm %s", c.Name)
			}
			got = append(got, c.Object)
		}
		if !slices.Equal(got, want) {
			t.Errorf("missing %v, want %v", got, want)
		}
	}
	missing()
	r.configure(speaking)
	both := []string{"ETrunkId=1, Source=2001:db8::1", "ServiceName=rbs1, Source=2001:db8::1"}
	missing(both...)
	address := netip.MustParsePrefix("2001:db8::1/64")
	testnet.Must(t, r.node.Links.AddAddress("up0", address))
	r.await("the address is there", func() bool { return r.has("up0", address.String()) })
	missing()
	testnet.Must(t, r.node.Links.DeleteAddress("up0", address))
	r.await("the address is gone", func() bool { return !r.has("up0", address.String()) })
	missing(both...)
}

// TestInterfaceAbsent: an interface that the configuration names is an alarm while the machine
// has none of that name or alias.
func TestInterfaceAbsent(t *testing.T) {
	r := newCable(t)
	r.configure("interface GigabitEthernet0/1/0\n#\ninterface up0\n#\ninterface LoopBack5\n")
	if got := r.absent(); !slices.Equal(got, []string{"GigabitEthernet0/1/0", "LoopBack5"}) {
		t.Errorf("absent %v", got)
	}
	r.node.SetAlias(t, "up0", "GigabitEthernet0/1/0")
	r.Advance(time.Now().Add(time.Minute))
	if got := r.absent(); !slices.Equal(got, []string{"LoopBack5"}) {
		t.Errorf("with an alias, absent %v", got)
	}
}

func (r *rig) absent() (names []string) {
	for _, c := range r.Conditions() {
		if c.AlarmKind == event.InterfaceAbsent {
			names = append(names, c.Object)
		}
	}
	return names
}
