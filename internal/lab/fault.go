package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/google/nftables"
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
		for _, link := range []string{t.legCable(), upstreamLink, coreLink} {
			linkChain(c, link, nftables.ChainHookIngress, nftables.ChainPolicyDrop)
			linkChain(c, link, nftables.ChainHookEgress, nftables.ChainPolicyDrop)
		}
	})
}

// deafen drops the packets that arrive on a link, either all of them or only those sent
// to some groups.
func (t *topology) deafen(part, link string, groups ...netip.Addr) error {
	const reg = unix.NFT_REG_1
	policy := nftables.ChainPolicyDrop
	if len(groups) > 0 {
		policy = nftables.ChainPolicyAccept
	}
	return t.inject(part, func(c *nftables.Conn) {
		chain := linkChain(c, link, nftables.ChainHookIngress, policy)
		for _, g := range groups {
			const destination = 24 // offset of the destination in the IPv6 header
			c.AddRule(&nftables.Rule{Table: chain.Table, Chain: chain, Exprs: []expr.Any{
				&expr.Payload{Base: expr.PayloadBaseNetworkHeader, Offset: destination, Len: 16, DestRegister: reg},
				&expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: g.AsSlice()},
				&expr.Verdict{Kind: expr.VerdictDrop},
			}})
		}
	})
}

// mute drops the packets that are sent on a link.
func (t *topology) mute(part, link string) error {
	return t.inject(part, func(c *nftables.Conn) {
		linkChain(c, link, nftables.ChainHookEgress, nftables.ChainPolicyDrop)
	})
}

// block drops the packets on a link in both directions, like a port of a switch that has
// carrier and does not forward yet.
func (t *topology) block(part, link string) error {
	return errors.Join(t.deafen(part, link), t.mute(part, link))
}

// unblock undoes block, deafen and mute in a part.
func (t *topology) unblock(part string) error { return t.healTable(part, nftables.TableFamilyNetdev) }

// linkChain adds a chain for the packets on a link in one direction.
func linkChain(c *nftables.Conn, link string, hook *nftables.ChainHook, policy nftables.ChainPolicy) *nftables.Chain {
	way := "in"
	if hook == nftables.ChainHookEgress {
		way = "out"
	}
	table := c.AddTable(&nftables.Table{Family: nftables.TableFamilyNetdev, Name: faultTable})
	return c.AddChain(&nftables.Chain{
		Name: link + "-" + way, Table: table, Type: nftables.ChainTypeFilter, Device: link,
		Hooknum: hook, Priority: nftables.ChainPriorityFilter, Policy: &policy,
	})
}

func (t *topology) reconnect(device string) error { return t.unblock(device) }

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
		port := binary.BigEndian.AppendUint16(nil, rbsPort)
		for _, offset := range []uint32{sourcePort, destinationPort} {
			c.AddRule(&nftables.Rule{Table: chain.Table, Chain: chain,
				Exprs: transport(unix.IPPROTO_TCP, offset, port, expr.VerdictDrop)})
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
