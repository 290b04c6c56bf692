package console

import (
	"runtime"
	"runtime/debug"
	"time"
)

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
