package testnet

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
)

// SetMTU sets the MTU of an interface.
func (n *Node) SetMTU(t testing.TB, link string, mtu uint32) {
	t.Helper()
	n.changeLink(t, link, func(a *netlink.Attributes) { a.Uint32(unix.IFLA_MTU, mtu) })
}

// Move moves an interface to another node. There it is down. It keeps its index if that is
// free.
func (n *Node) Move(t testing.TB, link string, to *Node) {
	t.Helper()
	n.changeLink(t, link, func(a *netlink.Attributes) { a.Uint32(unix.IFLA_NET_NS_FD, uint32(to.FD())) })
}

func (n *Node) changeLink(t testing.TB, link string, fill func(*netlink.Attributes)) {
	t.Helper()
	message := make(netlink.Attributes, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(message[4:], uint32(n.Interface(t, link).Index))
	fill(&message)
	n.In(t, func() error {
		conn, err := netlink.Open(unix.NETLINK_ROUTE)
		if err != nil {
			return err
		}
		defer conn.Close()
		return conn.Do(unix.RTM_NEWLINK, 0, message)
	})
}
