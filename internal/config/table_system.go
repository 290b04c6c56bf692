package config

import (
	"net/netip"

	"tandem/internal/command"
	"tandem/internal/etrunk"
)

func systemEntries() []entry {
	whole := func(m *Model, _ View) *Model { return m }
	entries := settings(ViewSystem, whole,
		name("sysname <name:string(1..64)>", "Name the device", func(m *Model) *string { return &m.SysName }, defaultSysName),
		flag("multicast ipv6 routing-enable", "Route IPv6 multicast", func(m *Model) *bool { return &m.Multicast }, false),
		choice("multicast ipv6 forwarding-plane", "Set what forwards IPv6 multicast", func(m *Model) *ForwardingPlane { return &m.ForwardingPlane },
			KernelPlane, EBPFPlane, AutoPlane),
		number("e-trunk ipv6 port <port:1025..65535>", "Set the UDP port of E-Trunk hellos", func(m *Model) *uint16 { return &m.ETrunkPort }, etrunk.DefaultPort),
		macAddress("lacp e-trunk system-id <mac:unicast-mac>", "Set the LACP system ID of member trunks", func(m *Model) *MAC { return &m.LACPSystemID }),
		flag("http server enable", "Serve the web page and the metrics", func(m *Model) *bool { return &m.HTTP.Enabled }, true),
		scalar("http server address <listen:any-address>", "Set the address of the web page and the metrics, :: for all", func(m *Model) *netip.Addr { return &m.HTTP.Address }, defaultHTTPAddress,
			func(a command.Args, name string) (netip.Addr, error) { return a.Addr(name), nil }, netip.Addr.String),
		number("http server port <port:1..65535>", "Set the TCP port of the web page and the metrics", func(m *Model) *uint16 { return &m.HTTP.Port }, defaultHTTPPort),
		number("lacp e-trunk priority <priority:0..65535>", "Set the LACP system priority of member trunks", func(m *Model) *uint16 { return &m.LACPPriority }, DefaultLACPPriority),
		number("lacp priority <priority:0..65535>", "Set the LACP system priority of trunks that are in no E-Trunk", func(m *Model) *uint16 { return &m.LACPOwnPriority }, DefaultLACPPriority),
	)
	return append(entries, entry{view: ViewSystem, opens: true, syntax: "bfd", help: "Enable BFD and enter its view",
		set: func(e *Editor, _ command.Args) error {
			e.Model.BFD, e.View = true, View{Kind: ViewBFD}
			return nil
		},
		clear: func(e *Editor, _ command.Args) error { e.Model.BFD = false; return nil },
		write: func(m *Model, _ View, _ *Keyring) []string {
			if m.BFD {
				return []string{"bfd"}
			}
			return nil
		}})
}
