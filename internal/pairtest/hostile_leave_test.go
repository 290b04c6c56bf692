package pairtest

import (
	"testing"
	"time"

	"tandem/internal/linux/testnet"
	"tandem/internal/mld"
)

// TestHostileLeave: with prompt leave, an attacker sends a leave with the address of a
// listening host. The host receives the streams again within the time of an answer to a
// query, and does not have to wait for the next general query. Without prompt leave it
// misses nothing.
func TestHostileLeave(t *testing.T) {
	p, src, ssm, asm := receivingPair(t)
	p.forms(2)
	l, err := p.host.Links.Link(bridge)
	testnet.Must(t, err)
	victim := stranger{p.network, l.LinkLocal}
	leave := func() {
		t.Helper()
		for _, d := range []*device{p.a, p.b} {
			packet := victim.report(
				mld.GroupRecord{Type: mld.ChangeToInclude, Group: ssmGroup},
				mld.GroupRecord{Type: mld.ChangeToInclude, Group: asmGroup})
			packet.To = d.hardware()
			p.host.Send(t, bridge, packet)
			time.Sleep(3 * time.Second)
		}
	}
	from := src.position()
	leave()
	for _, l := range []*listener{ssm, asm} {
		if n := l.missed(from+1, src.position()-1); n > 0 {
			t.Errorf("without prompt leave %s missed %d packets", l.group, n)
		}
	}
	p.configure("interface eth-trunk 10", "mld prompt-leave")
	ssm.awaits(src)
	asm.awaits(src)
	from = src.position()
	leave()
	const answers = 1500 * time.Millisecond // time of an answer to a query, after each of the two leaves
	for _, l := range []*listener{ssm, asm} {
		n := l.missed(from+1, src.position()-1)
		if n > int(2*answers/streamInterval) {
			t.Errorf("with prompt leave %s missed %d packets", l.group, n)
		}
		t.Logf("%s missed %d packets of two forged leaves", l.group, n)
	}
}
