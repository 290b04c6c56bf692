package config

import (
	"fmt"
	"net/netip"
	"slices"

	"tandem/internal/command"
	"tandem/internal/etrunk"
)

func interfaceEntries() []entry {
	open := opener("interface <interface>", "Enter the view of an interface",
		func(e *Editor, a command.Args) (View, error) {
			name := command.Get[InterfaceName](a, "interface")
			if e.Model.Interfaces[name] == nil {
				e.Model.Interfaces[name] = newInterface(name)
			}
			return View{ViewInterface, string(name)}, nil
		},
		func(m *Model, a command.Args) bool {
			name := command.Get[InterfaceName](a, "interface")
			_, known := m.Interfaces[name]
			delete(m.Interfaces, name)
			return known
		})
	return slices.Concat([]entry{open},
		settings(ViewInterface, interfaceOf,
			description(func(i *Interface) *string { return &i.Description }),
			flag("shutdown", "Take the interface down", func(i *Interface) *bool { return &i.Shutdown }, false)),
		settings(ViewPort, interfaceOf, joinEthTrunk()),
		settings(ViewSub, interfaceOf, number("vlan-type dot1q <vlan:1..4094>", "Get the frames of a VLAN",
			func(i *Interface) *uint16 { return &i.VLAN }, 0)),
		settings(ViewEthTrunk, interfaceOf,
			choice("mode", "Set the work mode of the trunk", func(i *Interface) *TrunkMode { return &i.Mode }, Manual, LACPStatic),
			flag("lacp timeout fast", "Ask the partner for a LACPDU a second", func(i *Interface) *bool { return &i.LACPFast }, false),
			macAddress("mac-address <mac:unicast-mac>", "Set the MAC address of the trunk", func(i *Interface) *MAC { return &i.MAC }),
			joinETrunk(),
			choice("e-trunk mode", "Set the work mode of the trunk within its E-Trunk",
				func(i *Interface) *etrunk.MemberMode { return &i.MemberMode },
				etrunk.Auto, etrunk.ForceMaster, etrunk.ForceBackup)),
		settings(ViewInterface, interfaceOf,
			bindVPN(),
			flag("ipv6 enable", "Enable IPv6", func(i *Interface) *bool { return &i.IPv6 }, false),
			flag("ipv6 address auto link-local", "Add a link-local address for MLD where there is none",
				func(i *Interface) *bool { return &i.AutoLinkLocal }, true),
			address()),
		settings(ViewInterface, interfaceOf, interfaceMLD()...),
		settings(ViewInterface, interfaceOf,
			name("remote-backup-profile <profile:string(1..128)>", "Back the interface up by a profile",
				func(i *Interface) *string { return &i.Profile }, "")),
	)
}

func interfaceOf(m *Model, v View) *Interface { return m.Interfaces[InterfaceName(v.Name)] }

func interfaceMLD() []setting[Interface] {
	first := []setting[Interface]{
		flag("mld enable", "Serve MLD listeners on the interface", func(i *Interface) *bool { return &i.MLD.Enabled }, false),
		flag("mld proxy", "Join upstream what listeners want (RFC 4605)", func(i *Interface) *bool { return &i.MLD.Proxy }, false),
		number("mld version <version:1..2>", "Set the MLD version", func(i *Interface) *uint8 { return &i.MLD.Version }, defaultMLDVersion),
	}
	last := []setting[Interface]{
		promptLeave(),
		aclReference("mld group-policy", "Let hosts join only what an ACL permits", func(i *Interface) *string { return &i.MLD.GroupPolicy }),
		aclReference("mld ip-source-policy", "Hear only the hosts that an ACL permits", func(i *Interface) *string { return &i.MLD.SourcePolicy }),
		aclReference("mld query ip-source-policy", "Follow only the queriers that an ACL permits", func(i *Interface) *string { return &i.MLD.QueryPolicy }),
		accessLimit(),
		staticGroup(),
		flag("mld ssm-mapping enable", "Give hosts that name no sources the mapped ones", func(i *Interface) *bool { return &i.MLD.SSMMapping }, false),
		flag("mld require-router-alert", "Drop messages without Router Alert", func(i *Interface) *bool { return &i.MLD.RequireRouterAlert }, false),
		flag("mld send-router-alert", "Send messages with Router Alert", func(i *Interface) *bool { return &i.MLD.SendRouterAlert }, true),
	}
	return slices.Concat(first, tuning("mld ", func(i *Interface) *Tuning { return &i.MLD.Tuning }), last)
}

// address is a setting that an interface can have several times.
func address() setting[Interface] {
	read := func(a command.Args) netip.Prefix {
		if a.Has("length") { // "address" is a keyword too
			return netip.PrefixFrom(a.Addr("address"), int(a.Uint("length")))
		}
		return command.Get[netip.Prefix](a, "prefix")
	}
	return setting[Interface]{
		syntax: "ipv6 address { <prefix:host-prefix> | <address:host> <length:1..128> }",
		help:   "Give the interface an address",
		set: func(i *Interface, a command.Args) error {
			p := read(a)
			if at, found := slices.BinarySearchFunc(i.Addresses, p, netip.Prefix.Compare); !found {
				i.Addresses = slices.Insert(i.Addresses, at, p)
			}
			return nil
		},
		clear: func(i *Interface, a command.Args) error {
			if !a.Has("prefix") && !a.Has("length") {
				i.Addresses = nil
				return nil
			}
			p := read(a)
			if i.Addresses = slices.DeleteFunc(i.Addresses, func(q netip.Prefix) bool { return q == p }); len(i.Addresses) == 0 {
				i.Addresses = nil
			}
			return nil
		},
		write: func(i *Interface) []string {
			var lines []string
			for _, p := range i.Addresses {
				lines = append(lines, fmt.Sprintf("ipv6 address %v", p))
			}
			return lines
		}}
}

func joinETrunk() setting[Interface] {
	return setting[Interface]{
		syntax: "e-trunk <e-trunk-id:1..64> [ remote-eth-trunk <remote-eth-trunk-id:0..1023> ]",
		help:   "Join an E-Trunk",
		set: func(i *Interface, a command.Args) error {
			i.ETrunk = uint32(a.Uint("e-trunk-id"))
			i.RemoteEthTrunk, _ = i.Name.EthTrunk()
			if a.Has("remote-eth-trunk-id") {
				i.RemoteEthTrunk = uint32(a.Uint("remote-eth-trunk-id"))
			}
			return nil
		},
		clear: func(i *Interface, _ command.Args) error { i.ETrunk, i.RemoteEthTrunk = 0, 0; return nil },
		write: func(i *Interface) []string {
			if i.ETrunk == 0 {
				return nil
			}
			line := fmt.Sprintf("e-trunk %d", i.ETrunk)
			if own, _ := i.Name.EthTrunk(); own != i.RemoteEthTrunk {
				line += fmt.Sprintf(" remote-eth-trunk %d", i.RemoteEthTrunk)
			}
			return []string{line}
		}}
}

func joinEthTrunk() setting[Interface] {
	return setting[Interface]{
		syntax: "eth-trunk <eth-trunk-id:0..1023>",
		help:   "Make the interface a port of an Eth-Trunk",
		set: func(i *Interface, a command.Args) error {
			i.Trunk = EthTrunkName(uint32(a.Uint("eth-trunk-id")))
			return nil
		},
		clear: func(i *Interface, _ command.Args) error { i.Trunk = ""; return nil },
		write: func(i *Interface) []string {
			n, ok := i.Trunk.EthTrunk()
			if !ok {
				return nil
			}
			return []string{fmt.Sprintf("eth-trunk %d", n)}
		}}
}
