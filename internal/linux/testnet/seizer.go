package testnet

import (
	"encoding/binary"
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// SeizeTable makes an nftables table of family ip6 that another program owns. Until that
// program closes the connection, the kernel refuses every change of the table by others.
func (n *Node) SeizeTable(t testing.TB, table string) *netlink.Conn {
	t.Helper()
	const owner = 2 // NFT_TABLE_F_OWNER
	conn, err := netlink.Dial(unix.NETLINK_NETFILTER, &netlink.Config{NetNS: n.FD()})
	Must(t, err)
	t.Cleanup(func() { conn.Close() })
	message := func(typ netlink.HeaderType, flags netlink.HeaderFlags, family uint8, attributes ...netlink.Attribute) netlink.Message {
		b, err := netlink.MarshalAttributes(attributes)
		Must(t, err)
		head := []byte{family, 0, 0, unix.NFNL_SUBSYS_NFTABLES} // struct nfgenmsg
		return netlink.Message{Header: netlink.Header{Type: typ, Flags: netlink.Request | flags}, Data: append(head, b...)}
	}
	name := netlink.Attribute{Type: unix.NFTA_TABLE_NAME, Data: []byte(table + "\x00")}
	const tables = unix.NFNL_SUBSYS_NFTABLES << 8
	_, err = conn.SendMessages([]netlink.Message{
		message(unix.NFNL_MSG_BATCH_BEGIN, 0, unix.AF_UNSPEC),
		message(tables|unix.NFT_MSG_DELTABLE, 0, unix.NFPROTO_IPV6, name),
		message(tables|unix.NFT_MSG_NEWTABLE, netlink.Create, unix.NFPROTO_IPV6, name,
			netlink.Attribute{Type: unix.NFTA_TABLE_FLAGS, Data: binary.BigEndian.AppendUint32(nil, owner)}),
		message(unix.NFNL_MSG_BATCH_END, 0, unix.AF_UNSPEC),
	})
	Must(t, err)
	return conn
}
