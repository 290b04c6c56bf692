package links

import (
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
)

// VethEnd is one end of a virtual Ethernet cable.
type VethEnd struct {
	Name string
	// NetNS is the descriptor of the namespace of this end; 0 stands for the namespace of the
	// handle.
	NetNS int
	// HardwareAddr, if empty, is chosen by the kernel.
	HardwareAddr net.HardwareAddr
}

// AddVeth makes a virtual Ethernet cable. Both ends are down.
func (h *Handle) AddVeth(a, b VethEnd) error {
	data := ifInfo{}.encode(func(add *netlink.Attributes) {
		a.encode(add)
		add.Nest(unix.IFLA_LINKINFO, func(add *netlink.Attributes) {
			add.String(unix.IFLA_INFO_KIND, "veth")
			add.Nest(unix.IFLA_INFO_DATA, func(add *netlink.Attributes) {
				add.Bytes(vethInfoPeer, ifInfo{}.encode(b.encode))
			})
		})
	})
	return h.create("veth "+a.Name+" - "+b.Name, "veth", data)
}

// vethInfoPeer is VETH_INFO_PEER of linux/veth.h.
const vethInfoPeer = 1

func (e VethEnd) encode(add *netlink.Attributes) {
	add.String(unix.IFLA_IFNAME, e.Name)
	if len(e.HardwareAddr) > 0 {
		add.Bytes(unix.IFLA_ADDRESS, e.HardwareAddr)
	}
	if e.NetNS != 0 {
		add.Uint32(unix.IFLA_NET_NS_FD, uint32(e.NetNS))
	}
}

// BridgeOptions are the multicast options of a bridge.
type BridgeOptions struct {
	// Snooping makes the bridge send a group only to the ports that have reported it. Without
	// it multicast is flooded.
	Snooping bool
}

// AddBridge makes a bridge without spanning tree. It is down.
func (h *Handle) AddBridge(name string, opt BridgeOptions) error {
	data := ifInfo{}.encode(func(add *netlink.Attributes) {
		add.String(unix.IFLA_IFNAME, name)
		add.Nest(unix.IFLA_LINKINFO, func(add *netlink.Attributes) {
			add.String(unix.IFLA_INFO_KIND, "bridge")
			add.Nest(unix.IFLA_INFO_DATA, func(add *netlink.Attributes) {
				add.Uint32(unix.IFLA_BR_STP_STATE, 0)
				add.Uint32(unix.IFLA_BR_FORWARD_DELAY, 0)
				add.Uint8(unix.IFLA_BR_MCAST_SNOOPING, flag(opt.Snooping))
				add.Uint8(unix.IFLA_BR_MCAST_MLD_VERSION, 2)
			})
		})
	})
	return h.create("bridge "+name, "bridge", data)
}

// create makes an interface. If the kernel lacks the driver, the error wraps ErrNoDriver and
// names the module.
func (h *Handle) create(what, module string, data []byte) error {
	err := h.change(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, data)
	switch {
	case errors.Is(err, unix.EOPNOTSUPP):
		return fmt.Errorf("create %s: %w (%s)", what, ErrNoDriver, module)
	case err != nil:
		return fmt.Errorf("create %s: %w", what, err)
	}
	return nil
}

// PortOptions are the options of a bridge port.
type PortOptions struct {
	// Isolated ports send only to ports that are not isolated.
	Isolated bool
	// NoMulticast ports get no multicast that the bridge floods.
	NoMulticast bool
}

// AddPort makes an interface a port of a bridge. If it is one already, only its options are
// changed.
func (h *Handle) AddPort(bridge, port string, opt PortOptions) error {
	master, err := h.index(bridge)
	if err != nil {
		return err
	}
	if err := h.setMaster(port, "add port", master); err != nil {
		return err
	}
	return h.setPort(port, opt)
}

// setPort sets the options of a bridge port. The bridge handles the message, so it needs
// this address family and type.
func (h *Handle) setPort(port string, opt PortOptions) error {
	index, err := h.index(port)
	if err != nil {
		return err
	}
	data := ifInfo{family: unix.AF_BRIDGE, index: index}.encode(func(add *netlink.Attributes) {
		add.Nest(unix.IFLA_PROTINFO|unix.NLA_F_NESTED, func(add *netlink.Attributes) {
			add.Uint8(unix.IFLA_BRPORT_ISOLATED, flag(opt.Isolated))
			add.Uint8(unix.IFLA_BRPORT_MCAST_FLOOD, flag(!opt.NoMulticast))
		})
	})
	if err := h.change(unix.RTM_SETLINK, 0, data); err != nil {
		return fmt.Errorf("set bridge port %s: %w", port, err)
	}
	return nil
}

// Delete removes an interface, and with a veth its other end.
func (h *Handle) Delete(name string) error {
	index, err := h.index(name)
	if err != nil {
		return err
	}
	data := ifInfo{index: index}.encode(nil)
	if err := h.change(unix.RTM_DELLINK, 0, data); err != nil {
		return fmt.Errorf("delete interface %s: %w", name, err)
	}
	return nil
}
