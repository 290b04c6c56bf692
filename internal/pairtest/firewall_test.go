package pairtest

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// hostFirewall is what most firewalls of a host are: what is not known to be needed is
// dropped, and nobody has thought of MLD.
const hostFirewall = `table inet filter {
	chain input {
		type filter hook input priority 0; policy drop;
		tcp sport 7000 accept
		iif lo accept
		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert, echo-request } accept
		udp dport { 1025, 3784, 4784 } accept
		tcp dport 7000 accept
	}
}`

// TestFirewalls: an input chain on both devices that drops MLD loses no listener, neither a
// first one nor a second one.
func TestFirewalls(t *testing.T) {
	nft, err := exec.LookPath("nft")
	if err != nil {
		t.Skip("needs nft")
	}
	p := newPair(t)
	for _, d := range []*device{p.a, p.b} {
		cmd := exec.Command(nft, "-f", "-")
		cmd.Stdin = strings.NewReader(hostFirewall)
		var said bytes.Buffer
		cmd.Stderr = &said
		if err := d.Run(cmd); err != nil {
			t.Fatalf("%v: %s", err, said.String())
		}
	}
	p.start()
	s := p.stream(ssmGroup, asmGroup)
	p.join(ssmGroup, sourceAddr).awaits(s)
	p.forms(1)
	p.steer("b")
	p.join(asmGroup, noSource).awaits(s)
	p.forms(2)
}
