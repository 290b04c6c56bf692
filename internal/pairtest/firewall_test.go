package pairtest

import (
	"bytes"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"tandem/internal/linux/testnet"
)

// hostFirewall is a typical firewall of a host: it drops everything that is not explicitly
// allowed, and MLD is not allowed.
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

// TestFirewalls: although an input chain on both devices drops MLD, no listener is lost,
// neither the first nor the second of a group.
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

// TestLegsWithoutIPv6: a host joins while the legs have no IPv6, because their MTU is too
// small or because it was disabled. The host is served when the legs have IPv6 again.
func TestLegsWithoutIPv6(t *testing.T) {
	p := newPair(t)
	p.start()
	s := p.stream(ssmGroup, asmGroup, lateGroup)
	p.join(ssmGroup, sourceAddr).awaits(s)
	const reported = 2500 * time.Millisecond // the time in which a host reports a join and repeats the report
	mtu := func(mtu uint32) func(*device) { return func(d *device) { d.SetMTU(t, legLink, mtu) } }
	disabled := func(v string) func(*device) {
		return func(d *device) { testnet.Must(t, d.SetSysctl("ipv6/conf/"+legLink+"/disable_ipv6", v)) }
	}
	for _, c := range []struct {
		group   netip.Addr
		off, on func(*device)
	}{
		{asmGroup, mtu(1200), mtu(1500)},
		{lateGroup, disabled("1"), disabled("0")},
	} {
		c.off(p.a)
		c.off(p.b)
		l := p.join(c.group, noSource)
		time.Sleep(reported)
		c.on(p.a)
		c.on(p.b)
		l.awaits(s)
	}
	p.forms(3)
}
