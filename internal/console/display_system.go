package console

import (
	"cmp"
	"runtime"
	"runtime/debug"

	"tandem/internal/state"
)

// httpServerDisplay is `display http server`.
func httpServerDisplay(h state.HTTPServer) Display {
	s := sheetOf(&h)
	s.fields(0, 14,
		field{"State", &h.State},
		field{"Address", &h.Address},
		field{"Port", &h.Port},
		field{"Page", &h.Page},
		field{"Metrics", &h.Metrics},
		field{"Last-Error", &h.LastError},
	)
	return s.display()
}

// packaged is the version of the package that contains the program. It is set when the
// program is linked; it is empty in a program that was built by hand.
var packaged string

// ThisBuild returns the version data that the toolchain recorded in the program, and the
// package's version.
func ThisBuild() state.Build {
	b := state.Build{Version: cmp.Or(packaged, "unknown"), Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Version = cmp.Or(packaged, info.Main.Version)
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			b.Revision = s.Value
		}
	}
	return b
}

// versionDisplay is `display version`.
func versionDisplay(sys state.System) Display {
	s := sheetOf(&sys)
	s.line("Tandem IPv6 multicast hot backup software, Version %s (%s)", sys.Version, sys.Go)
	s.fields(0, 14,
		field{"Version", &sys.Version},
		field{"Revision", &sys.Revision},
		field{"Go", &sys.Go},
		field{"Sysname", &sys.SysName},
		field{"Device-ID", &sys.DeviceID},
		field{"Uptime", &sys.Uptime},
	)
	return s.display()
}
