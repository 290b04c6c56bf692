package netif_test

import (
	"net/netip"
	"slices"
	"testing"

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
			if c.AlarmKind != event.SourceMissing {
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
