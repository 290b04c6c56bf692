package lab

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"tandem/internal/linux/links"
	"tandem/internal/linux/netns"
)

// querierTimers are the timers of a bridge's MLD querier.
type querierTimers struct {
	queryInterval, responseInterval, startupInterval, membership time.Duration
}

// startQuerier makes a snooping bridge its segment's querier. It speaks
// rtnetlink because sysfs shows only the namespace that it was mounted in.
func startQuerier(ns *netns.Namespace, bridge string, q querierTimers) error {
	h, err := links.OpenIn(ns.FD())
	if err != nil {
		return err
	}
	defer h.Close()
	l, err := h.Link(bridge)
	if err != nil {
		return err
	}
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, &netlink.Config{NetNS: ns.FD()})
	if err != nil {
		return fmt.Errorf("bridge %s: %w", bridge, err)
	}
	defer conn.Close()
	// A querier floods for one response interval after it was switched on, so
	// that interval is none at that moment and set afterwards.
	for _, fill := range []func(*netlink.AttributeEncoder){
		func(ae *netlink.AttributeEncoder) { ae.Uint64(unix.IFLA_BR_MCAST_QUERY_RESPONSE_INTVL, 0) },
		func(ae *netlink.AttributeEncoder) { ae.Uint8(unix.IFLA_BR_MCAST_QUERIER, 1) },
		q.encode,
	} {
		msg, err := changeBridge(l.Index, fill)
		if err == nil {
			_, err = conn.Execute(msg)
		}
		if err != nil {
			return fmt.Errorf("querier of bridge %s: %w", bridge, err)
		}
	}
	return nil
}

func (q querierTimers) encode(ae *netlink.AttributeEncoder) {
	const tick = 10 * time.Millisecond // USER_HZ
	ae.Uint64(unix.IFLA_BR_MCAST_QUERY_INTVL, uint64(q.queryInterval/tick))
	ae.Uint64(unix.IFLA_BR_MCAST_QUERY_RESPONSE_INTVL, uint64(q.responseInterval/tick))
	ae.Uint64(unix.IFLA_BR_MCAST_STARTUP_QUERY_INTVL, uint64(q.startupInterval/tick))
	ae.Uint64(unix.IFLA_BR_MCAST_MEMBERSHIP_INTVL, uint64(q.membership/tick))
}

// changeBridge builds a message that changes the options of a bridge.
func changeBridge(index int, fill func(*netlink.AttributeEncoder)) (netlink.Message, error) {
	options := netlink.NewAttributeEncoder()
	fill(options)
	ae := netlink.NewAttributeEncoder()
	ae.Nested(unix.IFLA_LINKINFO, func(info *netlink.AttributeEncoder) error {
		info.String(unix.IFLA_INFO_KIND, "bridge")
		info.Do(unix.IFLA_INFO_DATA, options.Encode)
		return nil
	})
	attrs, err := ae.Encode()
	if err != nil {
		return netlink.Message{}, err
	}
	head := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(head[4:], uint32(index))
	return netlink.Message{
		Header: netlink.Header{Type: unix.RTM_NEWLINK, Flags: netlink.Request | netlink.Acknowledge},
		Data:   append(head, attrs...),
	}, nil
}
