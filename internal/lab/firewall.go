package lab

import (
	"encoding/binary"
	"errors"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"tandem/internal/linux/gate"
)

// Firewalls that other programs install on a device.
var (
	// forwardFilter is the table that Docker and ufw use.
	forwardFilter = &nftables.Table{Family: nftables.TableFamilyIPv6, Name: "filter"}
	// hostFilter is the firewall of an ordinary host, which has no rules for multicast.
	hostFilter = &nftables.Table{Family: nftables.TableFamilyINet, Name: "host"}
)

// dropForwarded adds a chain that drops all packets that a device forwards.
func (t *topology) dropForwarded(device string) error {
	policy := nftables.ChainPolicyDrop
	return t.inject(device, func(c *nftables.Conn) {
		c.AddChain(&nftables.Chain{
			Name: "FORWARD", Table: c.AddTable(forwardFilter), Type: nftables.ChainTypeFilter,
			Hooknum: nftables.ChainHookForward, Priority: nftables.ChainPriorityFilter, Policy: &policy,
		})
	})
}

// filterHost adds a chain that accepts Neighbor Discovery and the packets between the two
// devices, and drops all others, which include MLD.
func (t *topology) filterHost(device string, hook *nftables.ChainHook) error {
	const (
		helloPort, bfdPort, bfdMultihopPort = 1025, 3784, 4784
		echoRequest, echoReply              = 128, 129
		firstDiscovery, lastDiscovery       = 133, 137 // RFC 4861
	)
	policy := nftables.ChainPolicyDrop
	return t.inject(device, func(c *nftables.Conn) {
		chain := c.AddChain(&nftables.Chain{
			Name: "host", Table: c.AddTable(hostFilter), Type: nftables.ChainTypeFilter,
			Hooknum: hook, Priority: nftables.ChainPriorityFilter, Policy: &policy,
		})
		accept := func(protocol byte, offset uint32, value []byte) {
			c.AddRule(&nftables.Rule{Table: chain.Table, Chain: chain, Exprs: transport(protocol, offset, value, expr.VerdictAccept)})
		}
		port := func(p uint16) []byte { return binary.BigEndian.AppendUint16(nil, p) }
		accept(unix.IPPROTO_TCP, sourcePort, port(rbsPort))
		accept(unix.IPPROTO_TCP, destinationPort, port(rbsPort))
		for _, p := range []uint16{helloPort, bfdPort, bfdMultihopPort} {
			accept(unix.IPPROTO_UDP, destinationPort, port(p))
		}
		for kind := byte(firstDiscovery); kind <= lastDiscovery; kind++ {
			accept(unix.IPPROTO_ICMPV6, 0, []byte{kind})
		}
		accept(unix.IPPROTO_ICMPV6, 0, []byte{echoRequest})
		accept(unix.IPPROTO_ICMPV6, 0, []byte{echoReply})
	})
}

// removeFirewall deletes the table of a firewall.
func (t *topology) removeFirewall(device string, table *nftables.Table) error {
	return t.inject(device, func(c *nftables.Conn) { c.DelTable(table) })
}

// flushRuleset does what `nft flush ruleset` does.
func (t *topology) flushRuleset(device string) error {
	return t.inject(device, (*nftables.Conn).FlushRuleset)
}

// meddle changes the gate's table in every way, as another program would. A kernel that
// protects the table refuses the changes.
func (t *topology) meddle(device string) error {
	table := &nftables.Table{Family: nftables.TableFamilyIPv6, Name: gate.TableName}
	chain := &nftables.Chain{Name: "forward", Table: table}
	var errs []error
	for _, change := range []func(*nftables.Conn){
		func(c *nftables.Conn) { c.FlushChain(chain) },
		func(c *nftables.Conn) {
			c.InsertRule(&nftables.Rule{Table: table, Chain: chain, Exprs: []expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}}})
		},
		func(c *nftables.Conn) { c.FlushTable(table) },
		func(c *nftables.Conn) { c.DelTable(table) },
	} {
		if err := t.inject(device, change); err != nil && !errors.Is(err, unix.EPERM) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Offsets in the headers of TCP and UDP.
const sourcePort, destinationPort = 0, 2

// transport matches packets of a protocol with a value at an offset of its header.
func transport(protocol byte, offset uint32, value []byte, verdict expr.VerdictKind) []expr.Any {
	const reg = unix.NFT_REG_1
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: reg},
		&expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: []byte{protocol}},
		&expr.Payload{Base: expr.PayloadBaseTransportHeader, Offset: offset, Len: uint32(len(value)), DestRegister: reg},
		&expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: value},
		&expr.Verdict{Kind: verdict},
	}
}
