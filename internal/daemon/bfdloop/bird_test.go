package bfdloop_test

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"tandem/internal/linux/testnet"
)

// bird is the BIRD routing daemon.
type bird struct{ rival }

func newBIRD(m *match) implementation {
	b := &bird{newRival(m)}
	b.configure(m.interval)
	return b
}

func (b *bird) configure(interval time.Duration) {
	b.t.Helper()
	timing := fmt.Sprintf("min rx interval %d ms; min tx interval %[1]d ms; multiplier %d;", interval.Milliseconds(), multiplier)
	near, far := b.sessions[0], b.sessions[1]
	b.write("bird.conf", fmt.Sprintf(`router id 192.0.2.1;
protocol device {}
protocol bfd bfd1 {
	interface "bfd0" { %s };
	multihop { %[1]s };
	neighbor %[2]v dev "bfd0" local %v;
	neighbor %v local %v multihop on;
}
`, timing, near.Local, near.Peer, far.Local, far.Peer))
}

func (b *bird) start() {
	b.t.Helper()
	b.run("bird", "-f", "-c", b.dir+"/bird.conf", "-s", b.dir+"/ctl", "-P", b.dir+"/pid")
}

func (b *bird) client(words ...string) (string, error) {
	return b.output(append([]string{"birdc", "-s", b.dir + "/ctl"}, words...)...)
}

func (b *bird) retime(interval time.Duration) {
	b.t.Helper()
	b.configure(interval)
	_, err := b.client("configure")
	testnet.Must(b.t, err)
}

func (b *bird) admin(down bool) {
	b.t.Helper()
	word := "enable"
	if down {
		word = "disable"
	}
	_, err := b.client(word, "bfd1")
	testnet.Must(b.t, err)
}

// tellsAdminDown returns false: BIRD removes its sessions without notifying the peer.
func (*bird) tellsAdminDown() bool { return false }

// show returns a session's state. It returns Down for a session that is not listed, because
// BIRD lists none on an interface that is down, or while the protocol is disabled. It reads
// lines like the following one. The last two columns are the negotiated interval and the
// detection time in seconds:
//
//	2001:db8::a   bfd0   Up   12:00:00.000   0.010   0.030
func (b *bird) show(peer netip.Addr) (view, error) {
	out, err := b.client("show", "bfd", "sessions")
	if err != nil && !strings.Contains(out, "no BFD protocol running") {
		return view{}, err
	}
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) < 6 || f[0] != peer.String() {
			continue
		}
		detect, err := time.ParseDuration(f[len(f)-1] + "s")
		return view{f[2] == "Up", detect}, err
	}
	return view{}, nil
}
