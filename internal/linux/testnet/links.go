package testnet

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
)

// SetAlias sets the ifalias of an interface of the node. An empty alias removes it.
func (n *Node) SetAlias(t testing.TB, link, alias string) {
	t.Helper()
	message := make(netlink.Attributes, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(message[4:], uint32(n.Interface(t, link).Index))
	message.Bytes(unix.IFLA_IFALIAS, []byte(alias))
	n.rtnetlink(t, unix.RTM_NEWLINK, 0, message)
}

// AddRoute adds a route to the node: to a prefix, by a gateway on an interface.
func (n *Node) AddRoute(t testing.TB, to netip.Prefix, gateway netip.Addr, link string) {
	t.Helper()
	// struct rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type, flags.
	message := netlink.Attributes{unix.AF_INET6, uint8(to.Bits()), 0, 0,
		unix.RT_TABLE_MAIN, unix.RTPROT_STATIC, unix.RT_SCOPE_UNIVERSE, unix.RTN_UNICAST, 0, 0, 0, 0}
	message.Bytes(unix.RTA_DST, to.Masked().Addr().AsSlice())
	message.Bytes(unix.RTA_GATEWAY, gateway.AsSlice())
	message.Uint32(unix.RTA_OIF, uint32(n.Interface(t, link).Index))
	n.rtnetlink(t, unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, message)
}

// rtnetlink makes a change in the node over rtnetlink.
func (n *Node) rtnetlink(t testing.TB, typ, flags uint16, message []byte) {
	t.Helper()
	n.In(t, func() error {
		conn, err := netlink.Open(unix.NETLINK_ROUTE)
		if err != nil {
			return err
		}
		defer conn.Close()
		return conn.Do(typ, flags, message)
	})
}
