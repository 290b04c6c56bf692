package lab

import (
	"encoding/binary"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/links"
	"tandem/internal/linux/netlink"
	"tandem/internal/linux/netns"
)

// querierTimers are the timers of a bridge's MLD querier.
type querierTimers struct {
	queryInterval, responseInterval, startupInterval, membership time.Duration
}

// startQuerier makes a bridge with snooping the querier of its segment. It uses rtnetlink
// because sysfs shows only the namespace in which it was mounted.
func startQuerier(ns *netns.Namespace, bridge string, q querierTimers) error {
	h, err := links.OpenIn(ns.Do)
	if err != nil {
		return err
	}
	defer h.Close()
	l, err := h.Link(bridge)
	if err != nil {
		return err
	}
	// A new querier makes the bridge flood for one response interval. So the interval is
	// zero when the querier starts and is set afterwards.
	for _, fill := range []func(*netlink.Attributes){
		func(add *netlink.Attributes) { add.Uint64(unix.IFLA_BR_MCAST_QUERY_RESPONSE_INTVL, 0) },
		func(add *netlink.Attributes) { add.Uint8(unix.IFLA_BR_MCAST_QUERIER, 1) },
		q.encode,
	} {
		if err := changeBridge(ns, l.Index, fill); err != nil {
			return fmt.Errorf("querier of bridge %s: %w", bridge, err)
		}
	}
	return nil
}

func (q querierTimers) encode(add *netlink.Attributes) {
	const tick = 10 * time.Millisecond // USER_HZ
	add.Uint64(unix.IFLA_BR_MCAST_QUERY_INTVL, uint64(q.queryInterval/tick))
	add.Uint64(unix.IFLA_BR_MCAST_QUERY_RESPONSE_INTVL, uint64(q.responseInterval/tick))
	add.Uint64(unix.IFLA_BR_MCAST_STARTUP_QUERY_INTVL, uint64(q.startupInterval/tick))
	add.Uint64(unix.IFLA_BR_MCAST_MEMBERSHIP_INTVL, uint64(q.membership/tick))
}

// changeBridge changes the options of a bridge.
func changeBridge(ns *netns.Namespace, index int, fill func(*netlink.Attributes)) error {
	message := make(netlink.Attributes, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(message[4:], uint32(index))
	message.Nest(unix.IFLA_LINKINFO|unix.NLA_F_NESTED, func(info *netlink.Attributes) {
		info.String(unix.IFLA_INFO_KIND, "bridge")
		info.Nest(unix.IFLA_INFO_DATA, fill)
	})
	return ns.Do(func() error {
		conn, err := netlink.Open(unix.NETLINK_ROUTE)
		if err != nil {
			return err
		}
		defer conn.Close()
		return conn.Do(unix.RTM_NEWLINK, 0, message)
	})
}
