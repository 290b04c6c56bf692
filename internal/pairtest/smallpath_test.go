package pairtest

import (
	"os/exec"
	"testing"

	"tandem/internal/linux/testnet"
)

// TestSmallPath: the path between the devices drops every packet above 1300 bytes, without a word.
// The databases come in sync all the same, at the start and after a restart.
func TestSmallPath(t *testing.T) {
	const groups = 2000
	p := newPair(t)
	for _, d := range []*device{p.a, p.b} {
		// One segment a packet, as on a wire.
		testnet.Must(t, d.Run(exec.Command("ip", "link", "set", coreLink, "gso_max_segs", "1")))
		d.nft("table netdev small { chain in { type filter hook ingress device " + coreLink + " priority 0; meta length > 1300 counter drop; }; }")
	}
	p.start()
	p.configure("mld", "host-limit 200000") // all are of one host
	p.reportAll(groups)
	p.forms(groups)
	p.b.crash()
	p.b.start()
	p.forms(groups)
}
