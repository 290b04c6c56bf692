package pairtest

import (
	"net/netip"
	"testing"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"tandem/internal/linux/testnet"
)

// faultTable is the nftables table of an injected fault. Deleting it ends the fault.
const faultTable = "pair-fault"

func inject(t *testing.T, n *testnet.Node, f func(*nftables.Conn)) {
	t.Helper()
	conn, err := nftables.New(nftables.WithNetNSFd(n.FD()))
	testnet.Must(t, err)
	f(conn)
	testnet.Must(t, conn.Flush())
}

func heal(t *testing.T, n *testnet.Node, family nftables.TableFamily) {
	t.Helper()
	inject(t, n, func(c *nftables.Conn) { c.DelTable(&nftables.Table{Family: family, Name: faultTable}) })
}

// silence drops all packets of a device on some links in both directions. No link goes down.
func (d *device) silence(links ...string) {
	d.t.Helper()
	drop := nftables.ChainPolicyDrop
	inject(d.t, d.Node, func(c *nftables.Conn) {
		table := c.AddTable(&nftables.Table{Family: nftables.TableFamilyNetdev, Name: faultTable})
		for _, link := range links {
			for way, hook := range map[string]*nftables.ChainHook{"in": nftables.ChainHookIngress, "out": nftables.ChainHookEgress} {
				c.AddChain(&nftables.Chain{Name: link + "-" + way, Table: table, Type: nftables.ChainTypeFilter, Device: link,
					Hooknum: hook, Priority: nftables.ChainPriorityFilter, Policy: &drop})
			}
		}
	})
}

// losesGroup drops the packets of one group that arrive on a link, until speaks is
// called.
func (d *device) losesGroup(link string, group netip.Addr) {
	d.t.Helper()
	const destination, reg = 24, unix.NFT_REG_1 // offset of the destination in the IPv6 header
	inject(d.t, d.Node, func(c *nftables.Conn) {
		table := c.AddTable(&nftables.Table{Family: nftables.TableFamilyNetdev, Name: faultTable})
		chain := c.AddChain(&nftables.Chain{Name: "lost", Table: table, Type: nftables.ChainTypeFilter, Device: link,
			Hooknum: nftables.ChainHookIngress, Priority: nftables.ChainPriorityFilter})
		c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: []expr.Any{
			&expr.Payload{Base: expr.PayloadBaseNetworkHeader, Offset: destination, Len: 16, DestRegister: reg},
			&expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: group.AsSlice()},
			&expr.Verdict{Kind: expr.VerdictDrop},
		}})
	})
}

func (d *device) speaks() { d.t.Helper(); heal(d.t, d.Node, nftables.TableFamilyNetdev) }

// cutService drops only the TCP segments of the remote backup service.
func (d *device) cutService() {
	d.t.Helper()
	const servicePort, reg = 7000, unix.NFT_REG_1
	inject(d.t, d.Node, func(c *nftables.Conn) {
		table := c.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv6, Name: faultTable})
		chain := c.AddChain(&nftables.Chain{Name: "input", Table: table, Type: nftables.ChainTypeFilter,
			Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityFilter})
		for _, offset := range []uint32{0, 2} { // source and destination port
			c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: []expr.Any{
				&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: reg},
				&expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: []byte{unix.IPPROTO_TCP}},
				&expr.Payload{Base: expr.PayloadBaseTransportHeader, Offset: offset, Len: 2, DestRegister: reg},
				&expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: binaryutil.BigEndian.PutUint16(servicePort)},
				&expr.Verdict{Kind: expr.VerdictDrop},
			}})
		}
	})
}

func (d *device) healService() { d.t.Helper(); heal(d.t, d.Node, nftables.TableFamilyIPv6) }
