package console

import (
	"net/netip"
	"runtime"
	"runtime/debug"
	"time"

	"tandem/internal/config"
)

// HTTPState is where the web page is served.
type HTTPState struct {
	config.HTTPServer
	// Err says why it is not, nil when it is or is not to be.
	Err error
}

// HTTPServer is `display http server`.
func HTTPServer(h HTTPState) Display {
	s := newSheet()
	word, why := "listening", ""
	switch {
	case !h.Enabled:
		word = "disabled"
	case h.Err != nil:
		word, why = "not listening", h.Err.Error()
	}
	at := netip.AddrPortFrom(h.Address, h.Port).String()
	s.fields(0, 14,
		field{"State", word},
		field{"Address", h.Address},
		field{"Port", h.Port},
		field{"Page", "http://" + at + "/"},
		field{"Metrics", "http://" + at + "/metrics"},
		field{"Last-Error", why},
	)
	return s.display()
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
