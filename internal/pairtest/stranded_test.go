package pairtest

import (
	"fmt"
	"testing"

	"tandem/internal/linux/testnet"
)

// TestStrandedHosts: a device loses its upstream and the replication channel to the peer,
// twice. It leaves its hosts to the peer. A host that joined during the fault gets its
// stream from the peer, and the other listeners miss nothing.
func TestStrandedHosts(t *testing.T) {
	p := newPair(t)
	p.start()
	s := p.stream(ssmGroup, asmGroup)
	settled := p.join(ssmGroup, sourceAddr)
	p.forms(1)
	settled.awaits(s)
	for range 2 {
		testnet.Must(t, p.a.Links.SetUp(upLink, false))
		eventually(t, "the peer serves alone", p.b.sole)
		from := s.position()
		p.a.cutService()
		_, before, err := p.a.messages("MLDv2 Report")
		testnet.Must(t, err)
		late := p.join(asmGroup, noSource)
		eventually(t, "a alone has heard the host, and heard it again", func() error {
			_, heard, err := p.a.messages("MLDv2 Report")
			if err == nil && heard < before+2 {
				err = fmt.Errorf("%d reports", heard-before)
			}
			return err
		})
		p.steer("b") // as a switch does when the leg goes down
		p.a.hasDuty("none", "none", false)
		contains(t, p.a.shows("e-trunk 1"), "no channel to tell the peer")
		late.awaits(s)
		if n := settled.missed(from, s.position()-1); n > 0 {
			t.Errorf("%d packets missed", n)
		}
		testnet.Must(t, p.a.Links.SetUp(upLink, true))
		p.a.healService()
		p.forms(2)
		p.steer("a")
		late.leave()
		eventually(t, "the pair knows that the host has left", func() error { return p.equal(1) })
	}
}
