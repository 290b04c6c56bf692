package lab

import (
	"errors"
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// faultTable is the nftables table of an injected fault. Deleting it ends the fault.
const faultTable = "lab-fault"

// inject runs a transaction of nftables in the namespace of a part.
func (t *topology) inject(part string, f func(*nftables.Conn)) error {
	conn, err := nftables.New(nftables.WithNetNSFd(t.spaces[part].FD()))
	if err != nil {
		return fmt.Errorf("fault in %s: %w", t.ns(part), err)
	}
	f(conn)
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("fault in %s: %w", t.ns(part), err)
	}
	return nil
}

// isolate drops all packets of a device on all links in both directions. No link goes
// down, so the peer and the switch notice only that the device is silent.
func (t *topology) isolate(device string) error {
	return t.inject(device, func(c *nftables.Conn) {
		table := c.AddTable(&nftables.Table{Family: nftables.TableFamilyNetdev, Name: faultTable})
		drop := nftables.ChainPolicyDrop
		for _, link := range []string{t.legCable(), upstreamLink, coreLink} {
			for way, hook := range map[string]*nftables.ChainHook{
				"in": nftables.ChainHookIngress, "out": nftables.ChainHookEgress,
			} {
				c.AddChain(&nftables.Chain{
					Name: link + "-" + way, Table: table, Type: nftables.ChainTypeFilter, Device: link,
					Hooknum: hook, Priority: nftables.ChainPriorityFilter, Policy: &drop,
				})
			}
		}
	})
}

func (t *topology) reconnect(device string) error {
	return t.healTable(device, nftables.TableFamilyNetdev)
}

// cutCore drops all packets between the devices; both links keep their carrier.
func (t *topology) cutCore() error {
	return t.inject("core", func(c *nftables.Conn) { coreChain(c, nftables.ChainPolicyDrop) })
}

// cutCoreFrom drops the packets that one device sends to the other, in this direction only.
func (t *topology) cutCoreFrom(device string) error {
	const reg = unix.NFT_REG_1
	return t.inject("core", func(c *nftables.Conn) {
		chain := coreChain(c, nftables.ChainPolicyAccept)
		c.AddRule(&nftables.Rule{Table: chain.Table, Chain: chain, Exprs: []expr.Any{
			&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: reg},
			&expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: append([]byte(device), make([]byte, unix.IFNAMSIZ-len(device))...)},
			&expr.Verdict{Kind: expr.VerdictDrop},
		}})
	})
}

// cutService drops only the TCP connection of the remote backup service.
func (t *topology) cutService() error {
	return t.inject("core", func(c *nftables.Conn) {
		chain := coreChain(c, nftables.ChainPolicyAccept)
		const source, destination = 0, 2
		for _, offset := range []uint32{source, destination} {
			c.AddRule(&nftables.Rule{Table: chain.Table, Chain: chain, Exprs: tcpPort(offset, rbsPort)})
		}
	})
}

func (t *topology) healCore() error { return t.healTable("core", nftables.TableFamilyBridge) }

func coreChain(c *nftables.Conn, policy nftables.ChainPolicy) *nftables.Chain {
	table := c.AddTable(&nftables.Table{Family: nftables.TableFamilyBridge, Name: faultTable})
	return c.AddChain(&nftables.Chain{
		Name: "forward", Table: table, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookForward, Priority: nftables.ChainPriorityFilter, Policy: &policy,
	})
}

// tcpPort drops TCP segments with a port; offset says whether it is the source or the
// destination port.
func tcpPort(offset uint32, port uint16) []expr.Any {
	const reg = unix.NFT_REG_1
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: reg},
		&expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: []byte{unix.IPPROTO_TCP}},
		&expr.Payload{Base: expr.PayloadBaseTransportHeader, Offset: offset, Len: 2, DestRegister: reg},
		&expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: binaryutil.BigEndian.PutUint16(port)},
		&expr.Verdict{Kind: expr.VerdictDrop},
	}
}

// healTable ends a fault. It is no error if the fault has ended before.
func (t *topology) healTable(part string, family nftables.TableFamily) error {
	err := t.inject(part, func(c *nftables.Conn) {
		c.DelTable(&nftables.Table{Family: family, Name: faultTable})
	})
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}

// leg takes the leg to a device down or up at the switch. Both ends notice that.
func (t *topology) leg(device string, up bool) error { return t.setLink("ce", legPort(device), up) }

// upstream takes the cable between a device and the source's bridge down or up.
func (t *topology) upstream(device string, up bool) error { return t.setLink("src", device, up) }
