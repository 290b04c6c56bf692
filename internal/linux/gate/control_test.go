package gate_test

import (
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/gate"
	"tandem/internal/linux/links"
	"tandem/internal/linux/testnet"
)

// reaches reports whether a datagram from a host to a port of the router arrives.
func (b *bed) reaches(host, port int) bool {
	b.t.Helper()
	in := b.Router.UDP(b.t, port)
	defer in.Close()
	out := b.Hosts[host].UDP(b.t, 0)
	defer out.Close()
	to := []links.Link{b.Down0, b.Down1}[host].LinkLocal
	_, err := out.WriteTo([]byte{1}, nil, &net.UDPAddr{IP: to.AsSlice(), Zone: "h0", Port: port})
	testnet.Must(b.t, err)
	testnet.Must(b.t, in.SetReadDeadline(time.Now().Add(200*time.Millisecond)))
	_, _, _, err = in.ReadFrom(make([]byte, 16))
	return err == nil
}

// TestControl: on a guarded interface, datagrams for a control port are dropped and
// counted. On other interfaces, and for other ports, they arrive. Sync repairs what another
// program changes of this.
func TestControl(t *testing.T) {
	b := newBedWith(t, 1, gate.Unprotected)
	state := gate.State{Seed: 1, Guarded: []string{"d0"}, Control: []gate.Port{{unix.IPPROTO_UDP, 4784}, {unix.IPPROTO_TCP, 4785}}}
	testnet.Must(t, b.gate.Apply(state))
	expect := func(what string, guarded bool) {
		t.Helper()
		for _, c := range []struct {
			host, port int
			want       bool
		}{{0, 4784, !guarded}, {0, 4785, true}, {1, 4784, true}} {
			if got := b.reaches(c.host, c.port); got != c.want {
				t.Errorf("%s: host %d reaches port %d: %v", what, c.host, c.port, got)
			}
		}
	}
	expect("guarded", true)
	if d, err := b.gate.Drops(); err != nil || d != (gate.Drops{Control: 1}) {
		t.Errorf("drops %+v, %v, want one", d, err)
	}
	b.expect("streams", b.groups[0], true, true)
	testnet.Must(t, b.gate.Sync(state))
	if n := b.gate.Repairs(); n != 0 {
		t.Errorf("%d repairs of what nobody has changed", n)
	}
	state.Guarded = nil
	testnet.Must(t, b.gate.Apply(state))
	expect("no more", false)
}
