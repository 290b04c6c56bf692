package pairtest

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"testing"

	"tandem/internal/linux/testnet"
)

// TestStoppedDaemon stops a daemon until its peer has lost it by BFD and by hellos, and then
// continues it. No listener misses a packet, because the kernel of the stopped device forwards
// its share meanwhile. When it continues, its old information does not make both send for long.
// This is done twice, in both directions. The simulation tests the order in which it reads what
// has waited.
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
			p.steer(other.name) // as a switch does when the leg goes down
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

// once waits until each listener receives every packet, and only once.
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
