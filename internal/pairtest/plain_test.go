package pairtest

import (
	"syscall"
	"testing"
	"time"

	"tandem/internal/linux/links"
	"tandem/internal/linux/testnet"
)

// bridged makes the legs two ports of a plain VLAN instead of a LAG: both devices hear every host, and
// each hears the other.
func (n *network) bridged() {
	n.t.Helper()
	for d := range n.nodes {
		testnet.Must(n.t, n.host.Links.AddPort(bridge, "leg-"+d, links.PortOptions{}))
	}
}

// noticed bounds the packets of one stream that pass until the death of a device is noticed, on a busy
// machine, too: those of half a second. Without the peer they would be missing for ever.
const noticed = int(500 * time.Millisecond / streamInterval)

// TestPlainVLAN: two devices in a VLAN without a LAG share the streams, and neither forwards what
// the other sends. When one dies, the other sends everything; when one ends in order, no packet is missed.
func TestPlainVLAN(t *testing.T) {
	p := newPair(t)
	p.bridged()
	p.start()
	s := p.stream(ssmGroup, asmGroup)
	listeners := []*listener{p.join(ssmGroup, sourceAddr), p.join(asmGroup, noSource)}
	for _, c := range []struct {
		victim, survivor *device
		end              func()
		most             int
	}{
		{p.a, p.b, p.a.crash, noticed},
		{p.b, p.a, func() { p.b.signal(syscall.SIGTERM) }, 0},
	} {
		p.forms(2)
		for _, l := range listeners {
			l.awaits(s)
		}
		first := s.position()
		for _, l := range listeners {
			l.awaits(s)
			if last := l.position(); l.copies(first, last) > int(last-first)+1 {
				t.Errorf("%d copies of %d packets", l.copies(first, last), last-first+1)
			}
		}
		c.end()
		eventually(t, "device "+c.survivor.name+" sends everything", c.survivor.sole)
		for _, l := range listeners {
			l.awaits(s)
			n := l.missed(first, l.position())
			if t.Logf("%d packets of %s missed at the end of device %s", n, l.group, c.victim.name); n > c.most {
				t.Errorf("more than %d", c.most)
			}
		}
		c.victim.start()
	}
}
