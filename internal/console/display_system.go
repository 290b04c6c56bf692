package console

import (
	"net/netip"
	"runtime"
	"runtime/debug"
	"time"
)

// InterfaceBrief is `display interface brief`.
func InterfaceBrief(interfaces []InterfaceInfo) Display {
	s := newSheet()
	s.line("PHY: Physical")
	s.line("Protocol: IPv6 (an address is present and PHY is up)")
	s.line("(b): BFD down")
	rows := make([][]any, 0, len(interfaces))
	for _, i := range interfaces {
		rows = append(rows, []any{i.Name, phyWord(i), lowUp(i.Up && !i.BFDDown && hasIPv6(i.Addresses)), i.Netdev, i.MAC,
			prefixes(i.Addresses)})
	}
	s.table(0, "interfaces", []string{"Interface", "PHY", "Protocol", "Netdev", "MAC", "Addresses"}, rows)
	return s.display()
}

func phyWord(i InterfaceInfo) string {
	if !i.Exists {
		return "absent"
	}
	if i.Up && i.BFDDown {
		return "up(b)"
	}
	return lowUp(i.Up)
}

func hasIPv6(list []netip.Prefix) bool {
	for _, p := range list {
		if p.Addr().Is6() {
			return true
		}
	}
	return false
}

func prefixes(list []netip.Prefix) []string {
	out := make([]string, 0, len(list))
	for _, p := range list {
		out = append(out, p.String())
	}
	return out
}

// BuildInfo names the running program.
type BuildInfo struct{ Version, Revision, Go string }

// ThisBuild reads what the toolchain recorded in the binary.
func ThisBuild() BuildInfo {
	b := BuildInfo{Version: "unknown", Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Version = info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			b.Revision = s.Value
		}
	}
	return b
}

// Version is `display version`.
func Version(b BuildInfo, sysname string, deviceID uint64, uptime time.Duration) Display {
	s := newSheet()
	s.line("Tandem IPv6 multicast hot backup")
	s.fields(0, 14,
		field{"Version", b.Version},
		field{"Revision", b.Revision},
		field{"Go", b.Go},
		field{"Sysname", sysname},
		field{"Device-ID", digest(deviceID)},
		field{"Uptime", uptime},
	)
	return s.display()
}
