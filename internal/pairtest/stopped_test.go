package pairtest

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"testing"

	"tandem/internal/linux/testnet"
)

// TestStoppedDaemon stops a daemon for so long that its peer has lost it in every way,
// and lets it go on: no listener misses anything, for the kernel of the stopped one forwards
// its share all the while, and what it believed when it was stopped does not make both send
// for good. Twice, in both directions. The simulation plays the order of what it reads then.
func TestStoppedDaemon(t *testing.T) {
	p := newPair(t)
	p.start()
	groups := []netip.Addr{ssmGroup, netip.MustParseAddr("ff3e::8000:2")} // one for either bucket
	src := p.stream(groups...)
	var listeners []*listener
	for _, g := range groups {
		l := p.join(g, sourceAddr)
		l.awaits(src)
		listeners = append(listeners, l)
	}
	p.forms(len(groups))
	for range 2 {
		for stopped, other := range map[*device]*device{p.a: p.b, p.b: p.a} {
			p.steer(other.name) // as a switch would that sees the leg go
			from := src.position()
			testnet.Must(t, stopped.process.cmd.Process.Signal(syscall.SIGSTOP))
			eventually(t, "device "+other.name+" has lost its peer and serves alone", func() error {
				f, err := other.trunk()
				if err == nil && f.PeerAlive {
					err = errors.New("it still hears its peer")
				}
				return errors.Join(err, other.sole())
			})
			testnet.Must(t, stopped.process.cmd.Process.Signal(syscall.SIGCONT))
			p.forms(len(groups))
			once(t, src, listeners, fmt.Sprintf("device %s has gone on", stopped.name))
			for _, l := range listeners {
				if missed := l.missed(from, l.position()); missed > 0 {
					t.Errorf("device %s stopped: %s missed %d packets", stopped.name, l.group, missed)
				}
			}
		}
	}
}

// once waits until each listener gets what is sent, and once.
func once(t *testing.T, src *source, listeners []*listener, when string) {
	t.Helper()
	const packets = 50
	for _, l := range listeners {
		from := src.position() + 1
		eventually(t, fmt.Sprintf("%s comes once when %s", l.group, when), func() error {
			if last := l.position(); last <= from+packets {
				return fmt.Errorf("packet %d of %d", last, from+packets)
			}
			n := l.copies(from, from+packets)
			if n == packets+1 {
				return nil
			}
			from = src.position() + 1
			return fmt.Errorf("%d packets came as %d", packets+1, n)
		})
	}
}
